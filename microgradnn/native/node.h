/* Nodes: the fields of a Value, how they are made, freed and read from Python. Of `core.c`, as all files here. */

typedef struct { /* what nodes and vectors share, for whoever walks */
    PyObject_HEAD
    PyObject *left, *right; /* operands; left may be a tuple of all operands */
    uint32_t place;         /* 1 + its place in the walk at work; SEEN until it has one; else 0 */
    int has;                /* which of the fields below are there, by the bits that follow */
} Base;

enum { LEFT = 1, RIGHT = 2, GRAD = 4, DATA = 8, PARTIALS = 16 }; /* without DATA it is the constant 0 of a derivative */

typedef struct {
    Base base;
    union { /* the numbers of a sweep first, close to the operands */
        struct { double left_partial, right_partial, grad, data; };
        double numbers[4];
        PyObject *partials; /* a tuple, where left is one */
    };
    PyObject *name, *path, *primitive, *weak_references;
} Node;

static inline bool is_none(PyObject *object) { return !object || object == Py_None; }
static inline bool is_kind(PyTypeObject *type) { return type == plain || (type == room && type); }
static inline bool is_node(PyObject *object) { return is_kind(Py_TYPE(object)) || PyObject_TypeCheck(object, plain); }
static inline bool is_plain(PyObject *object) { return is_kind(Py_TYPE(object)) && ((Base *)object)->has & DATA; }

static Node *new_node(PyTypeObject *kind)
{
    if (kind != plain) /* a subclass, which is in the collector */
        return (Node *)kind->tp_alloc(kind, 0);
    Node *node = PyObject_Malloc(sizeof(Node));
    if (!node)
        return (Node *)PyErr_NoMemory();
    node->base.left = node->base.right = NULL; /* one by one, as a loop over so few bytes takes longer */
    node->name = node->path = node->primitive = node->weak_references = NULL;
    node->base.place = node->base.has = 0; /* and so none of the numbers is there */
    return (Node *)PyObject_Init((PyObject *)node, kind);
}

/* Freed one after another, whatever the depth: a node that dies while another is being freed waits in a chain, which is
   linked through the field of weak references, as these are gone by then. */
static void node_dealloc(PyObject *object)
{
    static Node *doomed;
    static bool freeing;
    Node *node = (Node *)object;
    if (node->weak_references)
        PyObject_ClearWeakRefs(object);
    node->weak_references = (PyObject *)doomed;
    doomed = node;
    if (freeing)
        return;
    freeing = true;
    while ((node = doomed)) {
        PyTypeObject *type = Py_TYPE(node);
        doomed = (Node *)node->weak_references;
        Py_XDECREF(node->base.left);
        Py_XDECREF(node->base.right);
        Py_XDECREF(node->base.has & PARTIALS ? node->partials : NULL);
        Py_XDECREF(node->name);
        Py_XDECREF(node->path);
        Py_XDECREF(node->primitive);
        type->tp_free(node);
        Py_DECREF(type);
    }
    freeing = false;
}

static int node_traverse(PyObject *self, visitproc visit, void *arg) /* for subclasses */
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Base *)self)->left);
    Py_VISIT(((Base *)self)->right);
    Py_VISIT(((Node *)self)->primitive);
    return 0;
}

/* Fields that hold a number where their bit says so, by their place in `numbers`; the first may hold partials instead. */
static PyObject *get_number(PyObject *self, void *place)
{
    const Node *node = (Node *)self;
    if (!place && node->base.has & PARTIALS)
        return Py_NewRef(node->partials);
    if (node->base.has & 1 << (intptr_t)place)
        return PyFloat_FromDouble(node->numbers[(intptr_t)place]);
    return Py_NewRef(1 << (intptr_t)place == DATA ? nothing : Py_None);
}

static int set_number(PyObject *self, PyObject *value, void *place)
{
    Node *node = (Node *)self;
    const bool tuple = !place && value && PyTuple_CheckExact(value), there = !tuple && !is_none(value) && value != nothing;
    const double number = there ? PyFloat_AsDouble(value) : 0.0; /* which may call Python: nothing has changed yet */
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    PyObject *before = !place && node->base.has & PARTIALS ? node->partials : NULL;
    node->base.has &= ~(1 << (intptr_t)place | (place ? 0 : PARTIALS));
    node->base.has |= tuple ? PARTIALS : there ? 1 << (intptr_t)place : 0;
    node->numbers[(intptr_t)place] = number;
    if (tuple)
        node->partials = Py_NewRef(value);
    Py_XDECREF(before);
    return 0;
}

static PyGetSetDef node_fields[] = {
    {"_left_partial", get_number, set_number, NULL, (void *)0}, {"_right_partial", get_number, set_number, NULL, (void *)1},
    {"_grad", get_number, set_number, NULL, (void *)2}, {"_data", get_number, set_number, NULL, (void *)3},
    {NULL, NULL, NULL, NULL, NULL}};
static PyMemberDef node_members[] = {
    {"_name", T_OBJECT, offsetof(Node, name), 0, NULL}, {"_path", T_OBJECT, offsetof(Node, path), 0, NULL},
    {"_primitive", T_OBJECT, offsetof(Node, primitive), 0, NULL}, {"_left", T_OBJECT, offsetof(Base, left), 0, NULL},
    {"_right", T_OBJECT, offsetof(Base, right), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weak_references), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
