/* The engine in C: nodes, recording, the reverse sweep, layers of dot gates.

   It does what `value`, `recorders`, `sweep` and `vectors` do, to the last bit, for what is plain: Values themselves, not of
   a subclass; floats and ints beside them; a context that asks for nothing but a path; numbers that are finite. All else is
   "not plain", which is told by NULL without an exception, or by false, and Python does it. No rule of calculus stands
   here: those of the gates are in gates.h, which is written from the table.

   Nodes are outside of the cyclic collector: a node refers to its operands alone, which are older. All of this runs under
   the GIL, and no code of Python runs while a graph is walked or swept. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

static PyTypeObject *plain, *room, *vector_type, *quick_type; /* Value; Value of the room of micrograd, or NULL */
static PyObject *context, *nothing; /* the context variable; the constant 0 of partials, which hands nothing on */
static int holders; /* that add gradients up in Python, where other threads may run meanwhile */

/* ---- nodes -------------------------------------------------------------------------------------------------------- */

typedef struct { /* what nodes and vectors share, for whoever walks */
    PyObject_HEAD
    PyObject *left, *right; /* operands; or a tuple of all operands, and one of all partials */
    PyObject *weak_references;
    uint32_t place; /* 1 + its place in the walk at work; SEEN until it has one; else 0 */
    uint8_t has;    /* which of the numbers below are there, by the bits that follow */
} Base;

enum { LEFT = 1, RIGHT = 2, GRAD = 4, DATA = 8 }; /* without DATA it is the constant 0 of a derivative */

typedef struct {
    Base base;
    double left_partial, right_partial, grad, data; /* those of a sweep first, close to the operands */
    PyObject *name, *path, *primitive;
} Node;

static inline bool is_none(PyObject *object) { return !object || object == Py_None; }
static inline bool is_kind(PyTypeObject *type) { return type == plain || (type == room && type); }
static inline bool is_node(PyObject *object) { return is_kind(Py_TYPE(object)) || PyObject_TypeCheck(object, plain); }

static Node *new_node(PyTypeObject *kind)
{
    if (kind != plain) /* a subclass, which is in the collector */
        return (Node *)kind->tp_alloc(kind, 0);
    Node *node = PyObject_Malloc(sizeof(Node));
    if (!node)
        return (Node *)PyErr_NoMemory();
    node->base.left = node->base.right = node->base.weak_references = NULL;
    node->base.place = node->base.has = 0; /* and so none of the numbers is there */
    node->name = node->path = node->primitive = NULL;
    return (Node *)PyObject_Init((PyObject *)node, kind);
}

/* Freed one after another, whatever the depth: a node that dies while another is being freed waits in a chain, which is
   linked through the field of weak references, as these are gone by then. */
static void node_dealloc(PyObject *object)
{
    static Base *doomed;
    static bool freeing;
    Base *node = (Base *)object;
    if (node->weak_references)
        PyObject_ClearWeakRefs(object);
    node->weak_references = (PyObject *)doomed;
    doomed = node;
    if (freeing)
        return;
    freeing = true;
    while ((node = doomed)) {
        PyTypeObject *type = Py_TYPE(node);
        doomed = (Base *)node->weak_references;
        Py_XDECREF(node->left);
        Py_XDECREF(node->right);
        Py_XDECREF(((Node *)node)->name);
        Py_XDECREF(((Node *)node)->path);
        Py_XDECREF(((Node *)node)->primitive);
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

typedef struct { size_t offset; int bit; } Number; /* a field that holds a number where the bit says so */
static const Number data_field = {offsetof(Node, data), DATA}, grad_field = {offsetof(Node, grad), GRAD};
static const Number left_field = {offsetof(Node, left_partial), LEFT}, right_field = {offsetof(Node, right_partial), RIGHT};

static PyObject *get_number(PyObject *self, void *closure)
{
    const Number *field = closure;
    if (((Base *)self)->has & field->bit)
        return PyFloat_FromDouble(*(double *)((char *)self + field->offset));
    return Py_NewRef(field->bit == DATA ? nothing : Py_None);
}

static int set_number(PyObject *self, PyObject *value, void *closure)
{
    const Number *field = closure;
    const bool there = !is_none(value) && !(value == nothing && field->bit == DATA);
    const double number = there ? PyFloat_AsDouble(value) : 0.0;
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    *(double *)((char *)self + field->offset) = number;
    ((Base *)self)->has = (uint8_t)(there ? ((Base *)self)->has | field->bit : ((Base *)self)->has & ~field->bit);
    return 0;
}

static bool has_all_in_tuples(PyObject *self) { return ((Base *)self)->left && PyTuple_CheckExact(((Base *)self)->left); }

static PyObject *get_right(PyObject *self, void *partials)
{
    PyObject *right = has_all_in_tuples(self) == (partials != NULL) ? ((Base *)self)->right : NULL;
    return Py_NewRef(right ? right : Py_None);
}

static int set_right(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    PyObject *before = ((Base *)self)->right;
    ((Base *)self)->right = Py_XNewRef(value);
    Py_XDECREF(before);
    return 0;
}

static PyObject *get_left_partial(PyObject *self, void *closure)
{
    return has_all_in_tuples(self) ? get_right(self, closure) : get_number(self, closure);
}

static int set_left_partial(PyObject *self, PyObject *value, void *closure)
{
    return has_all_in_tuples(self) ? set_right(self, value, NULL) : set_number(self, value, closure);
}

static PyGetSetDef node_fields[] = {
    {"_data", get_number, set_number, NULL, (void *)&data_field},
    {"_grad", get_number, set_number, NULL, (void *)&grad_field},
    {"_right", get_right, set_right, NULL, NULL},
    {"_left_partial", get_left_partial, set_left_partial, NULL, (void *)&left_field},
    {"_right_partial", get_number, set_number, NULL, (void *)&right_field},
    {NULL, NULL, NULL, NULL, NULL}};
static PyMemberDef node_members[] = {
    {"_name", T_OBJECT, offsetof(Node, name), 0, NULL}, {"_path", T_OBJECT, offsetof(Node, path), 0, NULL},
    {"_primitive", T_OBJECT, offsetof(Node, primitive), 0, NULL}, {"_left", T_OBJECT, offsetof(Base, left), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Base, weak_references), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};

/* ---- recording ---------------------------------------------------------------------------------------------------- */

typedef struct { double out, left, right; int handed; } Outcome; /* of a rule: value, partials, which are handed on */

#define UNUSED(x) (void)(x)
#define NO_NEUTRAL NAN
#define FINITE(x) watched(x, &fine) /* what raises in Python is not finite in C */

static inline double watched(double x, bool *fine)
{
    *fine = *fine && isfinite(x);
    return x;
}

static inline void hand_left(Outcome *outcome, double partial, bool handed)
{
    outcome->left = partial;
    outcome->handed |= handed ? LEFT : 0;
}

static inline void hand_right(Outcome *outcome, double partial, bool handed)
{
    outcome->right = partial;
    outcome->handed |= handed ? RIGHT : 0;
}

/* The library's functions, called as they are, where a compiler would make x * x of pow(x, 2), which has other bits. What
   is called twice with the same number is called once. */
#ifdef __GNUC__
#define CONSTANT __attribute__((const, noinline))
#else
#define CONSTANT
#endif
#define LIBRARY(name, parameters, arguments)        \
    static CONSTANT double libm_##name parameters   \
    {                                               \
        static double (*volatile f)parameters = name; \
        return f arguments;                         \
    }
#define LIBRARY1(name) LIBRARY(name, (double x), (x))
#define LIBRARY2(name) LIBRARY(name, (double x, double y), (x, y))

#include "gates.h"

typedef bool Rule(double, double, int, Outcome *);
typedef struct {
    const char *name;
    int arity, vanishing; /* of which constant operands a 0 makes nothing, LEFT and RIGHT */
    double neutral;       /* the whole number that makes no gate on the left */
    Rule *rule;
    PyObject *primitive;
} Gate;
#define UNARY(name, vanishing, neutral) {#name, 1, vanishing, neutral, name##_rule, NULL},
#define BINARY(name, vanishing, neutral) {#name, 2, vanishing, neutral, name##_rule, NULL},
#define INDEX(name, vanishing, neutral) gate_##name,
static Gate gates[] = {UNARY_GATES(UNARY) BINARY_GATES(BINARY)};
enum { UNARY_GATES(INDEX) BINARY_GATES(INDEX) COUNT };

/* The path of the module at work as a new reference, or None; NULL where the context asks for more. */
static inline PyObject *plain_path(void)
{
    PyObject *here;
    if (PyContextVar_Get(context, NULL, &here) < 0 || here == Py_None || PyUnicode_CheckExact(here))
        return here;
    Py_DECREF(here);
    return NULL;
}

/* A node of this outcome; it takes over the references to its operands, of which a right one may be NULL. */
static inline PyObject *recorded(
    PyTypeObject *kind, const Gate *gate, const Outcome *outcome, PyObject *path, PyObject *left, PyObject *right)
{
    Node *node = new_node(kind);
    if (!node) {
        Py_DECREF(path);
        Py_DECREF(left);
        Py_XDECREF(right);
        return NULL;
    }
    node->data = outcome->out;
    node->left_partial = outcome->left;
    node->right_partial = outcome->right;
    node->base.has = (uint8_t)(outcome->handed | DATA);
    node->base.left = left;
    node->base.right = right;
    node->path = path;
    node->primitive = Py_NewRef(gate->primitive);
    return (PyObject *)node;
}

static inline PyObject *record_unary(const Gate *gate, Rule *rule, PyObject *x)
{
    Outcome outcome = {0.0, 0.0, 0.0, 0};
    PyObject *path;
    if (!is_kind(Py_TYPE(x)) || !(((Base *)x)->has & DATA) || !rule(((Node *)x)->data, 0.0, LEFT, &outcome) ||
        !(path = plain_path()))
        return NULL;
    return recorded(Py_TYPE(x), gate, &outcome, path, Py_NewRef(x), NULL);
}

/* An operand as it is recorded, a new reference, and its number; NULL where it is not plain. */
static inline PyObject *read_operand(PyObject *x, PyTypeObject *kind, double *number)
{
    if (Py_TYPE(x) == kind) {
        *number = ((Node *)x)->data;
        return ((Base *)x)->has & DATA ? Py_NewRef(x) : NULL;
    }
    if (PyLong_CheckExact(x)) {
        *number = PyLong_AsDouble(x);
        return *number == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(*number);
    }
    *number = PyFloat_CheckExact(x) ? PyFloat_AS_DOUBLE(x) : 0.0;
    return PyFloat_CheckExact(x) ? Py_NewRef(x) : NULL;
}

static inline PyObject *record_binary(const Gate *gate, Rule *rule, PyObject *x, PyObject *y)
{
    Outcome outcome = {0.0, 0.0, 0.0, 0};
    PyTypeObject *kind = is_kind(Py_TYPE(x)) ? Py_TYPE(x) : Py_TYPE(y);
    const int wanted = (Py_TYPE(x) == kind ? LEFT : 0) | (Py_TYPE(y) == kind ? RIGHT : 0);
    double a, b;
    PyObject *left = is_kind(kind) ? read_operand(x, kind, &a) : NULL, *path;
    PyObject *right = left ? read_operand(y, kind, &b) : NULL;
    if (right && !(a == 0.0 && gate->vanishing & ~wanted & LEFT) && !(b == 0.0 && gate->vanishing & ~wanted & RIGHT) &&
        rule(a, b, wanted, &outcome) && (path = plain_path())) {
        if (!(a == gate->neutral && b != 0.0 && PyLong_CheckExact(x)))
            return recorded(kind, gate, &outcome, path, left, right);
        Py_DECREF(path);
        Py_DECREF(left);
        return right;
    }
    Py_XDECREF(left);
    Py_XDECREF(right);
    return NULL;
}

#include "tape.h"

#define BINARY_OPERATOR(name, slot)                                                                     \
    static PyObject *name##_operator(PyObject *x, PyObject *y)                                          \
    {                                                                                                   \
        const Gate *gate = &gates[gate_##name];                                                         \
        PyObject *operands[] = {x, y}, *node = record_binary(gate, name##_rule, x, y);                  \
        return node || PyErr_Occurred() ? node : gate_of(gate->primitive, operands, 2);                 \
    }
BINARY_OPERATORS(BINARY_OPERATOR)

static PyObject *power_of_two_operands(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus == Py_None)
        return power_operator(x, y);
    if (!is_node(x))
        Py_RETURN_NOTIMPLEMENTED;
    PyErr_SetString(PyExc_TypeError, "power() takes 2 positional arguments but 3 were given");
    return NULL;
}

/* ---- operands that gates share ------------------------------------------------------------------------------------ */

/* Sums of products as `formulas.sum_of_products` has them: from left to right before Python 3.12, later as math.sumprod, in
   three parts (Ogita, Rump and Oishi 2005, Accurate Sum and Dot Product, Algorithm 5.10). */
#if PY_VERSION_HEX < 0x030C0000
typedef struct { double high; } Sum;
static inline void add_product(Sum *sum, double x, double y) { sum->high += x * y; }
static inline double total(const Sum *sum) { return sum->high; }
#else
typedef struct { double high, low, tiny; bool simple; } Sum; /* simple: from a sum that is not finite on */
static inline double sum_and_rest(double x, double y, double *rest)
{
    const double sum = x + y, z = sum - x;
    *rest = (x - (sum - z)) + (y - z);
    return sum;
}
static inline double total(const Sum *sum)
{
    double rest;
    const double both = sum_and_rest(sum->low, sum->high, &rest);
    return sum->simple ? sum->high : 0.0 + (sum->tiny + rest + both);
}
static inline void add_product(Sum *sum, double x, double y)
{
    double by_high, by_low, by_both;
    const double product = x * y, high = sum_and_rest(sum->high, product, &by_high);
    if (sum->simple || !isfinite(high)) {
        sum->high = total(sum) + product;
        sum->simple = true;
        return;
    }
    sum->high = high;
    sum->low = sum_and_rest(sum->low, fma(x, y, -product), &by_low);
    sum->low = sum_and_rest(sum->low, by_high, &by_both);
    sum->tiny += by_low + by_both;
}
#endif

typedef struct Vector {
    Base base;         /* its left: the members again where one of them is a gate, else NULL */
    PyObject *members; /* a tuple */
    PyObject *numbers; /* those of the members when they were last read, a tuple, or NULL */
    struct Vector *next; /* in a bucket of `rows` */
    Sum *sums;           /* in a sweep: what gates hand on to each member, added up */
    Py_ssize_t gates;    /* how many have handed on */
    PyObject *first;     /* the partials of the first, borrowed, and its adjoint */
    double only;
} Vector;

static Vector *rows[1 << 12]; /* rows of weights that gates use, by their first member: borrowed */

static Vector **bucket_of(PyObject *first) { return &rows[(uintptr_t)first / sizeof(Node) % (1 << 12)]; }

/* A vector of the Values and floats in a tuple. */
static PyObject *new_vector(PyObject *members)
{
    PyObject *left = NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++) {
        PyObject *member = PyTuple_GET_ITEM(members, i);
        if (!PyFloat_CheckExact(member) && !is_node(member))
            return PyErr_Format(PyExc_TypeError, "members are Values and floats, got %R", member);
        if (!PyFloat_CheckExact(member) && !is_none(((Base *)member)->left))
            left = members;
    }
    Vector *vector = (Vector *)vector_type->tp_alloc(vector_type, 0);
    if (vector) {
        vector->members = Py_NewRef(members);
        vector->base.left = left;
    }
    return (PyObject *)vector;
}

static PyObject *vector_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *given, *members = PyArg_ParseTuple(args, "O:Vector", &given) ? PySequence_Tuple(given) : NULL;
    PyObject *vector = members ? new_vector(members) : NULL;
    Py_XDECREF(members);
    return vector;
}

static void vector_dealloc(PyObject *object)
{
    Vector *vector = (Vector *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (PyTuple_GET_SIZE(vector->members)) { /* first, as callbacks of weak references may ask for this row */
        Vector **link = bucket_of(PyTuple_GET_ITEM(vector->members, 0));
        while (*link && *link != vector)
            link = &(*link)->next;
        if (*link)
            *link = vector->next;
    }
    if (vector->base.weak_references)
        PyObject_ClearWeakRefs(object);
    Py_DECREF(vector->members);
    Py_XDECREF(vector->numbers);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *vector_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("O(O)", vector_type, ((Vector *)self)->members);
}

/* The vector of a row of weights, a tuple that is not empty: one as long as a gate uses it, so that calls share it. */
static PyObject *vector_of_row(PyObject *members)
{
    Vector **bucket = bucket_of(PyTuple_GET_ITEM(members, 0)), *vector = *bucket;
    for (; vector; vector = vector->next) {
        Py_ssize_t i = PyTuple_GET_SIZE(members);
        if (i == PyTuple_GET_SIZE(vector->members))
            while (i && PyTuple_GET_ITEM(vector->members, i - 1) == PyTuple_GET_ITEM(members, i - 1))
                i--;
        if (!i)
            break;
    }
    if (vector)
        Py_INCREF(vector);
    else if ((vector = (Vector *)new_vector(members))) {
        vector->next = *bucket;
        *bucket = vector;
    }
    return (PyObject *)vector;
}

static PyObject *vector_of(PyObject *Py_UNUSED(module), PyObject *row)
{
    PyObject *members = PySequence_Tuple(row), *vector = NULL;
    if (members && PyTuple_GET_SIZE(members))
        vector = vector_of_row(members);
    else if (members)
        PyErr_SetString(PyExc_IndexError, "list index out of range");
    Py_XDECREF(members);
    return vector;
}

/* The numbers of a vector as a tuple of floats, borrowed, the one before where they are the same; NULL for not plain. */
static PyObject *numbers_of(Vector *vector)
{
    const Py_ssize_t size = PyTuple_GET_SIZE(vector->members);
    PyObject *numbers = vector->numbers;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        const bool constant = PyFloat_CheckExact(member);
        if (!constant && !(is_kind(Py_TYPE(member)) && ((Base *)member)->has & DATA))
            return NULL;
        const double number = constant ? PyFloat_AS_DOUBLE(member) : ((Node *)member)->data;
        if (numbers && memcmp(&number, &((PyFloatObject *)PyTuple_GET_ITEM(numbers, i))->ob_fval, sizeof number))
            numbers = NULL;
    }
    if (numbers || !(numbers = PyTuple_New(size)))
        return numbers;
    PyObject_GC_UnTrack(numbers);
    for (Py_ssize_t i = 0; numbers && i < size; i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        PyObject *number = PyFloat_CheckExact(member) ? Py_NewRef(member) : PyFloat_FromDouble(((Node *)member)->data);
        PyTuple_SET_ITEM(numbers, i, number);
        if (!number)
            Py_CLEAR(numbers);
    }
    if (numbers)
        Py_XSETREF(vector->numbers, numbers);
    return numbers;
}

/* The inputs of one example, a list or a tuple, as a vector of `size` Values and floats. */
static Vector *vector_of_inputs(PyObject *x, Py_ssize_t size)
{
    PyObject *members = PyList_CheckExact(x) || PyTuple_CheckExact(x) ? PyTuple_New(size) : NULL, *member = NULL;
    double number;
    bool fine = members && PySequence_Fast_GET_SIZE(x) == size;
    for (Py_ssize_t i = 0; fine && i < size; i++) {
        PyObject *input = PySequence_Fast_GET_ITEM(x, i);
        if ((fine = (member = read_operand(input, is_kind(Py_TYPE(input)) ? Py_TYPE(input) : plain, &number))))
            PyTuple_SET_ITEM(members, i, member);
    }
    PyObject *vector = fine ? new_vector(members) : NULL;
    Py_XDECREF(members);
    return (Vector *)vector;
}

/* One dot gate: weights w and inputs x, with their numbers, and a bias. */
static PyObject *new_dot(PyObject *gate, Vector *w, Vector *x, PyObject *bias, PyObject *path, bool constant)
{
    Sum sum = {0};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(w->numbers); i++)
        add_product(&sum, PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(w->numbers, i)),
                    PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(x->numbers, i)));
    const double out = total(&sum);
    PyObject *operands = PyTuple_Pack(3, w, x, bias), *one = PyFloat_FromDouble(1.0);
    PyObject *partials = one ? PyTuple_Pack(3, x->numbers, constant ? Py_None : w->numbers, one) : NULL;
    Node *node = isfinite(out) && operands && partials ? new_node(Py_TYPE(bias)) : NULL;
    Py_XDECREF(one);
    if (!node) {
        Py_XDECREF(operands);
        Py_XDECREF(partials);
        return NULL;
    }
    PyObject_GC_UnTrack(partials); /* numbers alone, and below nodes alone, make no cycle */
    if (Py_TYPE(bias) == plain)
        PyObject_GC_UnTrack(operands);
    node->data = out + ((Node *)bias)->data;
    node->base.has = DATA;
    node->base.left = operands;
    node->base.right = partials;
    node->path = Py_NewRef(path);
    node->primitive = Py_NewRef(gate);
    return (PyObject *)node;
}

/* The outputs of a layer for one example, a list; NULL where something is not plain. */
static PyObject *layer(PyObject *vectors, PyObject *example, PyObject *biases, PyObject *paths, PyObject *gate)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(vectors);
    const Py_ssize_t size = PyTuple_GET_SIZE(((Vector *)PyTuple_GET_ITEM(vectors, 0))->members);
    Vector *x = vector_of_inputs(example, size);
    PyObject *outputs = x && numbers_of(x) ? PyList_New(count) : NULL, *node;
    bool constant = true, fine = outputs != NULL, zero = false;
    for (Py_ssize_t i = 0; fine && i < size; i++) {
        const bool number = PyFloat_CheckExact(PyTuple_GET_ITEM(x->members, i));
        constant = constant && number;
        zero = zero || (number && PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(x->members, i)) == 0.0);
    }
    for (Py_ssize_t j = 0; fine && j < count; j++) {
        Vector *w = (Vector *)PyTuple_GET_ITEM(vectors, j);
        fine = !(zero && w->base.left) && /* a computed weight beside the constant 0 gets nothing */
               (node = new_dot(gate, w, x, PyTuple_GET_ITEM(biases, j), PyTuple_GET_ITEM(paths, j), constant));
        if (fine)
            PyList_SET_ITEM(outputs, j, node);
    }
    if (!fine)
        Py_CLEAR(outputs);
    Py_XDECREF(x);
    return outputs;
}

/* What is in a list as a tuple, since the collector may run code of Python, which may change lists, at any allocation. */
static PyObject *members_of(PyObject *list)
{
    const Py_ssize_t size = PyList_CheckExact(list) ? PyList_GET_SIZE(list) : 0;
    PyObject *members = size ? PyTuple_New(size) : NULL;
    if (members && PyList_GET_SIZE(list) != size)
        Py_CLEAR(members);
    for (Py_ssize_t i = 0; members && i < size; i++)
        PyTuple_SET_ITEM(members, i, Py_NewRef(PyList_GET_ITEM(list, i)));
    return members;
}

/* Plain Values in a list, at least one, whose numbers can be read, as a tuple; NULL for others. */
static PyObject *plain_members_of(PyObject *list)
{
    PyObject *values = members_of(list);
    for (Py_ssize_t i = values ? PyTuple_GET_SIZE(values) : 0; values && i--;)
        if (!is_kind(Py_TYPE(PyTuple_GET_ITEM(values, i))) || !(((Base *)PyTuple_GET_ITEM(values, i))->has & DATA))
            Py_CLEAR(values);
    return values;
}

/* dots(rows, batch, biases, paths, gate): what `vectors.dots` gives; None where something is not plain. */
static PyObject *dots(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *rows, *batch, *biases, *paths, *gate, *row;
    if (!PyArg_ParseTuple(arguments, "OOOO!O", &rows, &batch, &biases, &PyTuple_Type, &paths, &gate))
        return NULL;
    rows = members_of(rows);
    biases = rows ? plain_members_of(biases) : NULL;
    batch = biases ? members_of(batch) : NULL;
    const Py_ssize_t count = rows ? PyTuple_GET_SIZE(rows) : 0;
    PyObject *vectors = batch ? PyTuple_New(count) : NULL, *outputs = vectors ? PyList_New(0) : NULL;
    bool fine = outputs && PyTuple_GET_SIZE(biases) == count && PyTuple_GET_SIZE(paths) == count;
    for (Py_ssize_t j = 0; fine && j < count; j++) {
        PyObject *weights = plain_members_of(PyTuple_GET_ITEM(rows, j));
        if ((fine = weights && (row = vector_of_row(weights))))
            PyTuple_SET_ITEM(vectors, j, row);
        Py_XDECREF(weights);
        fine = fine && Py_TYPE(PyTuple_GET_ITEM(biases, j)) == Py_TYPE(PyTuple_GET_ITEM(biases, 0)) &&
               numbers_of((Vector *)row) &&
               PyTuple_GET_SIZE(((Vector *)row)->numbers) ==
                   PyTuple_GET_SIZE(((Vector *)PyTuple_GET_ITEM(vectors, 0))->numbers);
    }
    for (Py_ssize_t n = 0; fine && n < PyTuple_GET_SIZE(batch); n++) {
        PyObject *of_example = layer(vectors, PyTuple_GET_ITEM(batch, n), biases, paths, gate);
        fine = of_example && !PyList_Append(outputs, of_example);
        Py_XDECREF(of_example);
    }
    if (!fine)
        Py_CLEAR(outputs);
    Py_XDECREF(vectors);
    Py_XDECREF(batch);
    Py_XDECREF(biases);
    Py_XDECREF(rows);
    return outputs || PyErr_Occurred() ? outputs : Py_NewRef(Py_None);
}

/* each(function, xs, paths): the gates that a function records of numbers, each with the path of a neuron of its own. */
static PyObject *each(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *function, *xs, *paths;
    if (!PyArg_ParseTuple(arguments, "OO!O!", &function, &PyList_Type, &xs, &PyTuple_Type, &paths))
        return NULL;
    PyObject *results = PyList_New(0), *result;
    for (Py_ssize_t i = 0; results && i < PyList_GET_SIZE(xs) && i < PyTuple_GET_SIZE(paths); i++) {
        PyObject *x = Py_NewRef(PyList_GET_ITEM(xs, i));
        result = PyObject_CallOneArg(function, x);
        Py_DECREF(x);
        if (!result || PyList_Append(results, result) < 0)
            Py_CLEAR(results);
        else if (is_node(result) && !is_none(((Node *)result)->primitive))
            Py_XSETREF(((Node *)result)->path, Py_NewRef(PyTuple_GET_ITEM(paths, i)));
        Py_XDECREF(result);
    }
    return results;
}

/* ---- the reverse sweep -------------------------------------------------------------------------------------------- */

#define SEEN UINT32_MAX
static struct { Base *node; double adjoint; } *order; /* operands before the gates that use them, borrowed */
static uintptr_t *waiting;                            /* nodes to walk or, with the lowest bit set, to list */
static size_t listed, order_room, waits, waiting_room;
static const union { uint64_t bits; double number; } absent = {0x7ff4000000000001}; /* a nan that no arithmetic gives */

static inline bool is_absent(double adjoint) { return !memcmp(&adjoint, &absent, sizeof adjoint); }

static bool reserve(void *array, size_t *places, size_t used, size_t size)
{
    if (used < *places)
        return true;
    void *moved = PyMem_RawRealloc(*(void **)array, (2 * used + 64) * size);
    if (moved) {
        *(void **)array = moved;
        *places = 2 * used + 64;
    }
    return moved != NULL;
}

static inline bool list(Base *node)
{
    if (listed >= SEEN - 1 || !reserve(&order, &order_room, listed, sizeof *order))
        return false;
    order[listed].node = node;
    order[listed].adjoint = absent.number;
    node->place = (uint32_t)++listed;
    return true;
}

static inline bool wait_for(void *node, int to_list)
{
    if (!reserve(&waiting, &waiting_room, waits, sizeof *waiting))
        return false;
    waiting[waits++] = (uintptr_t)node | (uintptr_t)to_list;
    return true;
}

/* Whether an operand, NULL for none, can take what the node hands on by this bit: somebody may have set either. */
static inline bool can_take(const Base *node, PyObject *operand, int bit)
{
    return !(node->has & bit) || !(is_none(operand) || PyFloat_CheckExact(operand));
}

/* Whether operands and partials of a gate, both in tuples, belong together. An operation of the user's own has no partials. */
static bool fit(PyObject *operands, PyObject *partials)
{
    const Py_ssize_t size = PyTuple_GET_SIZE(operands);
    if (!size || is_none(partials) || !PyTuple_CheckExact(partials) || PyTuple_GET_SIZE(partials) != size)
        return false;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *operand = PyTuple_GET_ITEM(operands, i), *partial = PyTuple_GET_ITEM(partials, i);
        if (partial != Py_None && !(Py_TYPE(operand) == vector_type ? PyTuple_CheckExact(partial) :
                                    PyFloat_CheckExact(partial) && !PyFloat_CheckExact(operand)))
            return false;
    }
    return true;
}

/* List all that `root` depends on in the order of `graph.order_with_vectors`; false where something is not plain. */
static bool walk(PyObject *root)
{
    if (!wait_for(root, 0))
        return false;
    while (waits) {
        const uintptr_t top = waiting[waits - 1];
        Base *node = (Base *)(top & ~(uintptr_t)1);
        if (top & 1 && !list(node))
            return false;
        waits--;
        while (!(top & 1)) { /* down along the left operands */
            if (Py_TYPE(node) != vector_type && !is_node((PyObject *)node))
                return false;
            PyObject *left = node->left, *right = node->right;
            if (node->place)
                break;
            if (is_none(left)) {
                if (!list(node))
                    return false;
                break;
            }
            if (!wait_for(node, 1))
                return false;
            node->place = SEEN;
            if (PyTuple_CheckExact(left)) {
                if (Py_TYPE(node) != vector_type && !fit(left, right))
                    return false;
                for (Py_ssize_t i = PyTuple_GET_SIZE(left); i--;)
                    if (!PyFloat_CheckExact(PyTuple_GET_ITEM(left, i)) && !wait_for(PyTuple_GET_ITEM(left, i), 0))
                        return false;
                break;
            }
            if (!can_take(node, left, LEFT) || !can_take(node, right, RIGHT))
                return false;
            if (PyFloat_CheckExact(left)) {
                if (is_none(right))
                    return false;
                node = (Base *)right;
                continue;
            }
            if (!is_none(right) && !PyFloat_CheckExact(right) && !wait_for(right, 0))
                return false;
            node = (Base *)left;
        }
    }
    return true;
}

/* Take all marks away. */
static void forget(void)
{
    while (waits) {
        const uintptr_t top = waiting[--waits];
        if (top & 1) /* others have no mark, and may be no nodes */
            ((Base *)(top & ~(uintptr_t)1))->place = 0;
    }
    while (listed) {
        Base *node = order[--listed].node;
        node->place = 0;
        if (Py_TYPE(node) == vector_type) {
            PyMem_RawFree(((Vector *)node)->sums);
            ((Vector *)node)->sums = NULL;
            ((Vector *)node)->gates = 0;
        }
    }
    if (order_room > 1 << 16) { /* a large graph was here */
        PyMem_RawFree(order);
        PyMem_RawFree(waiting);
        order = NULL;
        waiting = NULL;
        order_room = waiting_room = 0;
    }
}

static inline void add(PyObject *operand, double contribution)
{
    double *adjoint = &order[((Base *)operand)->place - 1].adjoint;
    *adjoint = is_absent(*adjoint) ? contribution : *adjoint + contribution;
}

/* A gate hands partials x adjoint to the members of a vector, which keeps their sums; false where memory ends. */
static bool add_to_vector(Vector *vector, PyObject *partials, double adjoint)
{
    const size_t size = (size_t)PyTuple_GET_SIZE(partials);
    if (size != (size_t)PyTuple_GET_SIZE(vector->members) ||
        (!vector->gates && !(vector->sums = PyMem_RawCalloc(size, sizeof(Sum)))))
        return false;
    if (!vector->gates++) {
        vector->first = partials;
        vector->only = adjoint;
    }
    for (size_t i = 0; i < size; i++) {
        PyObject *partial = PyTuple_GET_ITEM(partials, i);
        if (!PyFloat_Check(partial))
            return false;
        add_product(&vector->sums[i], PyFloat_AS_DOUBLE(partial), adjoint);
    }
    return true;
}

/* A vector hands to each member the sum of what its gates handed on; false where memory ends. */
static bool hand_on(Vector *vector)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(vector->members); i++) {
        Base *member = (Base *)PyTuple_GET_ITEM(vector->members, i);
        if (PyFloat_CheckExact(member) || (!vector->gates && !is_none(member->left)))
            continue;
        if (!member->place && !list(member)) /* a leaf that only vectors hold */
            return false;
        double *adjoint = &order[member->place - 1].adjoint;
        *adjoint = is_absent(*adjoint) ? 0.0 : *adjoint;
        if (vector->gates == 1) /* as it is, where a sum would make 0 of -0 */
            *adjoint += PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(vector->first, i)) * vector->only;
        else if (vector->gates)
            *adjoint += total(&vector->sums[i]);
    }
    return true;
}

/* A gate with its complete adjoint hands partial x adjoint to its operands; false where that is not plain. */
static bool hand_on_from(const Node *node, double adjoint)
{
    PyObject *left = node->base.left, *right = node->base.right;
    if (!PyTuple_CheckExact(left)) {
        if (node->base.has & LEFT)
            add(left, node->left_partial * adjoint);
        if (node->base.has & RIGHT)
            add(right, node->right_partial * adjoint);
        return true;
    }
    const bool shared = Py_TYPE(PyTuple_GET_ITEM(left, 0)) == vector_type;
    if (shared && !isfinite(adjoint)) /* 0 x infinity must not reach what was not taken: no products of whole vectors */
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(left); i++) {
        PyObject *operand = PyTuple_GET_ITEM(left, i), *partial = PyTuple_GET_ITEM(right, i);
        if (Py_TYPE(operand) == vector_type) {
            if (partial != Py_None && !add_to_vector((Vector *)operand, partial, adjoint))
                return false;
        }
        else if (partial != Py_None)
            add(operand, PyFloat_AS_DOUBLE(partial) * adjoint);
    }
    return true;
}

/* The adjoints of all that `root` depends on, the numbered steps of `sweep`; false where something is not plain. */
static bool sweep(PyObject *root, double seed)
{
    if (!walk(root))
        return false;
    order[((Base *)root)->place - 1].adjoint = seed;
    for (size_t i = listed; i--;) {
        Base *node = order[i].node;
        if (Py_TYPE(node) == vector_type ? !hand_on((Vector *)node)
                                         : !is_none(node->left) && !is_absent(order[i].adjoint) &&
                                               !hand_on_from((Node *)node, order[i].adjoint))
            return false;
    }
    return true;
}

/* Value.backward: set the adjoints as the gradients of gates, add them to those of leaves; 0 where nothing arrived. */
static PyObject *fast_backward(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *root = arguments[0], *path;
    const double seed = count == 2 && PyFloat_CheckExact(arguments[1]) ? PyFloat_AS_DOUBLE(arguments[1]) : 1.0;
    if (holders || count > 2 || is_absent(seed) || !is_node(root) || !(((Base *)root)->has & DATA) || is_none(((Node *)root)->primitive) ||
        (count == 2 && !PyFloat_CheckExact(arguments[1])) || !(path = plain_path()))
        return NULL;
    Py_DECREF(path);
    const bool plain = sweep(root, seed);
    for (size_t i = 0; plain && i < listed; i++) {
        Node *node = (Node *)order[i].node;
        if (Py_TYPE(node) == vector_type)
            continue;
        const double adjoint = is_absent(order[i].adjoint) ? 0.0 : order[i].adjoint;
        const bool leaf = is_none(node->base.left), blank = !(node->base.has & GRAD) || node->grad == 0.0;
        node->grad = leaf ? (blank ? 0.0 : node->grad) + adjoint : adjoint;
        node->base.has |= GRAD;
    }
    forget();
    return plain ? Py_NewRef(Py_None) : NULL;
}

/* ---- functions of Python with a short way in C -------------------------------------------------------------------- */

typedef PyObject *Fast(const Gate *, PyObject *const *, Py_ssize_t);
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *function;
    Fast *fast; /* what does the same for what is plain */
    const Gate *gate;
} Quick;

static PyObject *call_quick(PyObject *self, PyObject *const *arguments, size_t count, PyObject *keywords)
{
    const Quick *quick = (Quick *)self;
    PyObject *result = NULL;
    if (!keywords && PyVectorcall_NARGS(count))
        result = quick->fast(quick->gate, arguments, PyVectorcall_NARGS(count));
    return result || PyErr_Occurred() ? result : PyObject_Vectorcall(quick->function, arguments, count, keywords);
}

static PyObject *fast_unary(const Gate *gate, PyObject *const *operands, Py_ssize_t count)
{
    PyObject *node = count == 1 ? record_unary(gate, gate->rule, operands[0]) : NULL;
    return node || PyErr_Occurred() || count != 1 ? node : record_traced(gate->primitive, operands, 1);
}

static PyObject *fast_binary(const Gate *gate, PyObject *const *operands, Py_ssize_t count)
{
    return count == 2 && is_kind(Py_TYPE(operands[0])) ? record_binary(gate, gate->rule, operands[0], operands[1]) : NULL;
}

static PyObject *quick_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return is_none(object) ? Py_NewRef(self) : PyMethod_New(self, object);
}

/* What is asked of it is asked of its function, but its class and what `pickle` and `inspect` ask. */
static PyObject *quick_getattr(PyObject *self, PyObject *name)
{
    static const char *own[] = {"__class__", "__reduce__", "__reduce_ex__", "__wrapped__"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!PyUnicode_CompareWithASCIIString(name, own[i]))
            return PyObject_GenericGetAttr(self, name);
    return PyObject_GetAttr(((Quick *)self)->function, name);
}

static PyObject *quick_repr(PyObject *self) { return PyObject_Repr(((Quick *)self)->function); }

static PyObject *quick_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_GetAttrString(((Quick *)self)->function, "__qualname__");
}

static void quick_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((Quick *)self)->function);
    type->tp_free(self);
    Py_DECREF(type);
}

/* quick(name, function): the function with the short way of the gate of this name or of "backward"; else itself. */
static PyObject *quick(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *function;
    const char *name;
    if (!PyArg_ParseTuple(arguments, "sO", &name, &function))
        return NULL;
    size_t i = 0;
    while (i < COUNT && strcmp(gates[i].name, name))
        i++;
    if (i == COUNT && strcmp(name, "backward"))
        return Py_NewRef(function);
    Quick *self = (Quick *)quick_type->tp_alloc(quick_type, 0);
    if (self) {
        self->call = call_quick;
        self->function = Py_NewRef(function);
        self->gate = &gates[i % COUNT];
        self->fast = i == COUNT ? fast_backward : gates[i].arity == 1 ? fast_unary : fast_binary;
    }
    return (PyObject *)self;
}

/* ---- the types and the module ------------------------------------------------------------------------------------- */

/* Value(3.0), which needs nothing of `Value.__init__`. */
static PyObject *new_leaf(PyObject *type, PyObject *const *arguments, size_t count, PyObject *keywords)
{
    const Py_ssize_t given = PyVectorcall_NARGS(count), named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    PyObject *path = given == 1 && !named ? plain_path() : NULL, *result = NULL;
    double data;
    PyObject *number = path ? read_operand(arguments[0], NULL, &data) : NULL;
    Py_XDECREF(path);
    if (number) {
        Node *leaf = new_node((PyTypeObject *)type);
        Py_DECREF(number);
        if (leaf) {
            leaf->data = data;
            leaf->base.has = DATA;
        }
        return (PyObject *)leaf;
    }
    PyErr_Clear(); /* an int beyond floats: Python says so */
    PyObject *tuple = PyTuple_New(given), *dict = PyDict_New();
    for (Py_ssize_t i = 0; tuple && i < given; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(arguments[i]));
    for (Py_ssize_t i = 0; dict && i < named; i++)
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, i), arguments[given + i]) < 0)
            Py_CLEAR(dict);
    if (tuple && dict)
        result = PyType_Type.tp_call(type, tuple, dict);
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    return result;
}

#define SLOT(name, slot) {Py_nb_##slot, name##_operator},
#define power_operator power_of_two_operands /* in the slots */
static PyType_Slot node_slots[] = {
    {Py_tp_dealloc, node_dealloc}, {Py_tp_traverse, node_traverse}, {Py_tp_getset, node_fields},
    {Py_tp_members, node_members}, BINARY_OPERATORS(SLOT) {0, NULL}};
static PyMemberDef vector_members[] = {
    {"members", T_OBJECT_EX, offsetof(Vector, members), READONLY, NULL},
    {"_left", T_OBJECT, offsetof(Base, left), READONLY, NULL}, {"_right", T_OBJECT, offsetof(Base, right), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Base, weak_references), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyMethodDef vector_methods[] = {{"__reduce__", vector_reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot vector_slots[] = {
    {Py_tp_new, vector_new}, {Py_tp_dealloc, vector_dealloc}, {Py_tp_members, vector_members},
    {Py_tp_methods, vector_methods}, {0, NULL}};
static PyMemberDef quick_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Quick, function), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Quick, call), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyMethodDef quick_methods[] = {{"__reduce__", quick_reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot quick_slots[] = {
    {Py_tp_dealloc, quick_dealloc}, {Py_tp_call, PyVectorcall_Call}, {Py_tp_descr_get, quick_get},
    {Py_tp_getattro, quick_getattr}, {Py_tp_repr, quick_repr}, {Py_tp_members, quick_members},
    {Py_tp_methods, quick_methods}, {0, NULL}};
static PyType_Spec node_spec = {
    "microgradnn.value.Value", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, node_slots};
static PyType_Spec vector_spec = {"microgradnn.graph.Vector", sizeof(Vector), 0, Py_TPFLAGS_DEFAULT, vector_slots};
static PyType_Spec quick_spec = {
    "microgradnn.native.Quick", sizeof(Quick), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    quick_slots};

/* set_up(context, nothing, lookup): what the engine takes from Python; `lookup` gives gates by name. */
static PyObject *set_up(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *lookup;
    if (!PyArg_ParseTuple(arguments, "OOO", &context, &nothing, &lookup))
        return NULL;
    Py_INCREF(arguments); /* and with it what is in it */
    for (size_t i = 0; i < COUNT; i++)
        if (!(gates[i].primitive = PyObject_CallFunction(lookup, "s", gates[i].name)))
            return NULL;
    return Py_NewRef(Py_None);
}

/* adopt(kind): its Values, of the room of micrograd, are plain as well. */
static PyObject *adopt(PyObject *Py_UNUSED(module), PyObject *kind)
{
    room = (PyTypeObject *)Py_NewRef(kind);
    return Py_NewRef(Py_None);
}

/* hold(1), hold(-1): Python begins and ends to add gradients up; backward waits for it, in Python. */
static PyObject *hold(PyObject *Py_UNUSED(module), PyObject *change)
{
    holders += (int)PyLong_AsLong(change);
    return Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"set_up", set_up, METH_VARARGS, NULL}, {"adopt", adopt, METH_O, NULL}, {"quick", quick, METH_VARARGS, NULL},
    {"dots", dots, METH_VARARGS, NULL}, {"vector_of", vector_of, METH_O, NULL}, {"hold", hold, METH_O, NULL},
    {"each", each, METH_VARARGS, NULL}, {"trace_with", trace_with, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    plain = (PyTypeObject *)PyType_FromSpec(&node_spec);
    vector_type = (PyTypeObject *)PyType_FromSpec(&vector_spec);
    quick_type = (PyTypeObject *)PyType_FromSpec(&quick_spec);
    if (!module || !plain || !vector_type || !quick_type)
        return NULL;
    plain->tp_vectorcall = new_leaf;
    if (PyModule_AddObjectRef(module, "Node", (PyObject *)plain) < 0 ||
        PyModule_AddObjectRef(module, "Vector", (PyObject *)vector_type) < 0)
        return NULL;
    return module;
}
