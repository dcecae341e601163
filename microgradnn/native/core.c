/* The engine in C: nodes, recording, the reverse sweep, and layers of dot gates.

   It does what `value`, `recorders`, `sweep` and `vectors` do, to the last bit, for what is plain: Values themselves,
   not of a subclass; floats and ints beside them; a context that asks for nothing but a path; numbers that are finite.
   Everything else is answered by "not plain", which is NULL without an exception, and Python does it. No rule of calculus
   stands here: those of the gates are in gates.h, which is written from the table.

   Nodes are outside of the cyclic collector. A node refers only to its operands, which are older, so nodes alone make no
   cycle. All of this runs under the GIL: between the first mark of a walk and its last no code of Python runs. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

/* ---- what lives as long as the process --------------------------------------------------------------------------- */

static PyTypeObject *kinds[2]; /* the classes whose nodes are plain: Value, and that of the room of micrograd */
static PyTypeObject *vector_type, *quick_type;
static PyObject *context, *nothing; /* the context variable; the constant 0 of partials that hand nothing on */
static PyObject *acquire, *release; /* of the lock that is held while gradients are added up */

static inline bool is_kind(PyTypeObject *type) { return type == kinds[0] || (type == kinds[1] && type); }

/* ---- a node ------------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    double data, grad, left_partial;
    union { double number; PyObject *all; } right; /* the partial of the right operand, or a tuple of all partials */
    PyObject *name, *path, *primitive;             /* NULL for None */
    PyObject *left_operand, *right_operand;        /* as `value` says of _left and _right */
    PyObject *weak_references;
    uint32_t place; /* 1 + its place in the order of the walk at work, SEEN before it has one, else 0 */
    uint8_t has;    /* bits: which of the numbers above are there */
} Node;

enum { LEFT = 1, RIGHT = 2, ALL = 4, GRAD = 8, NOTHING = 16 }; /* NOTHING: data is the constant 0 of a derivative */

static Node *new_node(PyTypeObject *kind)
{
    Node *node;
    if (kind != kinds[0]) /* a subclass, which the collector knows */
        return (Node *)kind->tp_alloc(kind, 0);
    node = PyObject_Malloc(sizeof(Node));
    if (!node)
        return (Node *)PyErr_NoMemory();
    memset(node, 0, sizeof(Node));
    return (Node *)PyObject_Init((PyObject *)node, kind);
}

/* Nodes are freed one after another, whatever the depth: a node that dies while another is being freed waits in a chain,
   which is linked through the field of weak references, as these are gone by then. */
static Node *doomed;
static bool freeing;

static void node_dealloc(PyObject *object)
{
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
        Py_XDECREF(node->left_operand);
        Py_XDECREF(node->right_operand);
        Py_XDECREF(node->path);
        Py_XDECREF(node->name);
        Py_XDECREF(node->primitive);
        if (node->has & ALL)
            Py_DECREF(node->right.all);
        type->tp_free(node);
        Py_DECREF(type);
    }
    freeing = false;
}

/* A field that holds an object, at the offset `place`; None is NULL. */
static PyObject *get_object(PyObject *self, void *place)
{
    PyObject *held = *(PyObject **)((char *)self + (size_t)place);
    return Py_NewRef(held ? held : Py_None);
}

static int set_object(PyObject *self, PyObject *value, void *place)
{
    PyObject **field = (PyObject **)((char *)self + (size_t)place), *before = *field;
    *field = value && value != Py_None ? Py_NewRef(value) : NULL;
    Py_XDECREF(before);
    return 0;
}

static PyObject *get_data(PyObject *self, void *Py_UNUSED(closure))
{
    return ((Node *)self)->has & NOTHING ? Py_NewRef(nothing) : PyFloat_FromDouble(((Node *)self)->data);
}

/* The number `value` in a field, which `bit` says is there; None is none. */
static int set_number(Node *node, double *field, int bit, PyObject *value)
{
    const bool there = value && value != Py_None;
    const double number = there ? PyFloat_AsDouble(value) : 0.0;
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    *field = number;
    node->has = (uint8_t)(there ? node->has | bit : node->has & ~bit);
    return 0;
}

static int set_data(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    node->has = (uint8_t)(value == nothing ? node->has | NOTHING : node->has & ~NOTHING);
    return set_number(node, &node->data, 0, value);
}

static PyObject *get_grad(PyObject *self, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    return node->has & GRAD ? PyFloat_FromDouble(node->grad) : Py_NewRef(Py_None);
}

static int set_grad(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    return set_number((Node *)self, &((Node *)self)->grad, GRAD, value);
}

static PyObject *get_left_partial(PyObject *self, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    if (node->has & ALL)
        return Py_NewRef(node->right.all);
    return node->has & LEFT ? PyFloat_FromDouble(node->left_partial) : Py_NewRef(Py_None);
}

static int set_left_partial(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    PyObject *before = node->has & ALL ? node->right.all : NULL;
    const bool all = value && PyTuple_CheckExact(value);
    if (before || all)
        node->has &= (uint8_t)~(ALL | RIGHT);
    if (all) {
        node->right.all = Py_NewRef(value);
        node->has |= ALL;
    }
    Py_XDECREF(before);
    return set_number(node, &node->left_partial, LEFT, all ? Py_None : value);
}

static PyObject *get_right_partial(PyObject *self, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    return node->has & RIGHT ? PyFloat_FromDouble(node->right.number) : Py_NewRef(Py_None);
}

static int set_right_partial(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    Node *node = (Node *)self;
    if (node->has & ALL) /* a gate of all its partials in one tuple has no right one */
        return 0;
    return set_number(node, &node->right.number, RIGHT, value);
}

#define OBJECT(name, field) {name, get_object, set_object, NULL, (void *)offsetof(Node, field)}
static PyGetSetDef node_fields[] = {
    {"_data", get_data, set_data, NULL, NULL},
    {"_grad", get_grad, set_grad, NULL, NULL},
    {"_left_partial", get_left_partial, set_left_partial, NULL, NULL},
    {"_right_partial", get_right_partial, set_right_partial, NULL, NULL},
    OBJECT("_name", name),
    OBJECT("_path", path),
    OBJECT("_primitive", primitive),
    OBJECT("_left", left_operand),
    OBJECT("_right", right_operand),
    {NULL, NULL, NULL, NULL, NULL},
};

/* The path of the module at work as a new reference, None outside of any; NULL where the context asks for more. */
static PyObject *plain_path(void)
{
    PyObject *here;
    if (PyContextVar_Get(context, NULL, &here) < 0)
        return NULL;
    if (here == Py_None || PyUnicode_CheckExact(here))
        return here;
    Py_DECREF(here);
    return NULL;
}

static inline void set_path(Node *node, PyObject *path)
{
    node->path = path == Py_None ? NULL : path; /* None needs no count where there is no field that holds it */
    if (path == Py_None)
        Py_DECREF(path);
}

/* What the collector may ask of a subclass with attributes, which is in it: a plain node is not. */
static int node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Node *node = (Node *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(node->primitive);
    Py_VISIT(node->left_operand);
    Py_VISIT(node->right_operand);
    if (node->has & ALL)
        Py_VISIT(node->right.all);
    return 0;
}

/* ---- recording ---------------------------------------------------------------------------------------------------- */

/* What a rule gives: the value, and the partials that are handed on, by the bits of `handed`. */
typedef struct {
    double out, left, right;
    int handed;
} Outcome;

#define UNUSED(x) (void)(x)
#define FINITE(x) watched(x, &fine)
#define NO_NEUTRAL NAN

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

/* The library's functions, called as they are: a compiler would make x * x of pow(x, 2), which has other bits. */
#define LIBRARY1(name) static double (*volatile libm_##name)(double) = name;
LIBRARY1(acos) LIBRARY1(acosh) LIBRARY1(asin) LIBRARY1(asinh) LIBRARY1(atan) LIBRARY1(atanh) LIBRARY1(cbrt) LIBRARY1(cos)
LIBRARY1(cosh) LIBRARY1(erf) LIBRARY1(erfc) LIBRARY1(exp) LIBRARY1(exp2) LIBRARY1(expm1) LIBRARY1(log) LIBRARY1(log10)
LIBRARY1(log1p) LIBRARY1(log2) LIBRARY1(sin) LIBRARY1(sinh) LIBRARY1(sqrt) LIBRARY1(tan) LIBRARY1(tanh)
static double (*volatile libm_pow)(double, double) = pow;
static double (*volatile libm_atan2)(double, double) = atan2;

#include "gates.h"

typedef bool Rule(double, double, int, Outcome *);
typedef struct {
    const char *name;
    int arity, vanishing; /* of which constants a 0 makes nothing */
    double neutral;       /* on the left it makes no gate */
    Rule *rule;
    PyObject *primitive;
} Gate;

#define UNARY(name, vanishing, neutral) {#name, 1, vanishing, neutral, name##_rule, NULL},
#define BINARY(name, vanishing, neutral) {#name, 2, vanishing, neutral, name##_rule, NULL},
static Gate gates[] = {UNARY_GATES(UNARY) BINARY_GATES(BINARY)};
#define INDEX(name, vanishing, neutral) gate_##name,
enum { UNARY_GATES(INDEX) BINARY_GATES(INDEX) COUNT };

/* A node of this outcome; it takes over the references to the operands, of which a right one may be NULL. */
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
    node->right.number = outcome->right;
    node->has = (uint8_t)outcome->handed;
    node->primitive = Py_NewRef(gate->primitive);
    node->left_operand = left;
    node->right_operand = right;
    set_path(node, path);
    return (PyObject *)node;
}

static inline PyObject *record_unary(const Gate *gate, Rule *rule, PyObject *x)
{
    Outcome outcome = {0.0, 0.0, 0.0, 0};
    Node *own = (Node *)x;
    PyObject *path;
    if (!is_kind(Py_TYPE(x)) || own->has & NOTHING || !rule(own->data, 0.0, LEFT, &outcome) || !(path = plain_path()))
        return NULL;
    return recorded(Py_TYPE(x), gate, &outcome, path, Py_NewRef(x), NULL);
}

/* The number in an operand, and the operand as it is recorded, a new reference; NULL for what is not plain. */
static inline PyObject *read_operand(PyObject *x, PyTypeObject *kind, double *number)
{
    if (Py_TYPE(x) == kind) {
        *number = ((Node *)x)->data;
        return ((Node *)x)->has & NOTHING ? NULL : Py_NewRef(x);
    }
    if (PyFloat_CheckExact(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return Py_NewRef(x);
    }
    if (!PyLong_CheckExact(x))
        return NULL;
    *number = PyLong_AsDouble(x);
    return *number == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(*number);
}

static inline PyObject *record_binary(const Gate *gate, Rule *rule, PyObject *x, PyObject *y)
{
    Outcome outcome = {0.0, 0.0, 0.0, 0};
    PyTypeObject *kind = is_kind(Py_TYPE(x)) ? Py_TYPE(x) : Py_TYPE(y);
    const int wanted = (Py_TYPE(x) == kind ? LEFT : 0) | (Py_TYPE(y) == kind ? RIGHT : 0);
    double left_number = 0.0, right_number = 0.0;
    PyObject *left = NULL, *right = NULL, *path = NULL;
    if (!is_kind(kind) || !(left = read_operand(x, kind, &left_number)) || !(right = read_operand(y, kind, &right_number)))
        goto not_plain;
    if ((!(wanted & LEFT) && left_number == 0.0 && gate->vanishing & LEFT) ||
        (!(wanted & RIGHT) && right_number == 0.0 && gate->vanishing & RIGHT))
        goto not_plain;
    if (!rule(left_number, right_number, wanted, &outcome) || !(path = plain_path()))
        goto not_plain;
    if (left_number == gate->neutral && right_number != 0.0 && PyLong_CheckExact(x)) {
        Py_DECREF(path);
        Py_DECREF(left);
        return right;
    }
    return recorded(kind, gate, &outcome, path, left, right);
not_plain:
    Py_XDECREF(left);
    Py_XDECREF(right);
    return NULL;
}

static PyObject *record_in_place(PyObject *primitive, PyObject *x, PyObject *y)
{
    return PyObject_CallMethod(x, "record_in_place", "OOO", primitive, x, y);
}

/* The operators. What is not plain is a call of the gate; in place, of what refuses to leave a parameter as it was. */
#define UNARY_OPERATOR(name, slot)                                                             \
    static PyObject *name##_operator(PyObject *x)                                              \
    {                                                                                          \
        PyObject *node = record_unary(&gates[gate_##name], name##_rule, x);                    \
        return node || PyErr_Occurred() ? node : PyObject_CallOneArg(gates[gate_##name].primitive, x); \
    }
#define BINARY_OPERATOR(name, slot)                                                            \
    static PyObject *name##_operator(PyObject *x, PyObject *y)                                 \
    {                                                                                          \
        PyObject *operands[] = {x, y}, *node = record_binary(&gates[gate_##name], name##_rule, x, y); \
        return node || PyErr_Occurred() ? node                                                 \
                                        : PyObject_Vectorcall(gates[gate_##name].primitive, operands, 2, NULL); \
    }                                                                                          \
    static PyObject *name##_in_place(PyObject *x, PyObject *y)                                 \
    {                                                                                          \
        PyObject *node = record_binary(&gates[gate_##name], name##_rule, x, y);                \
        return node || PyErr_Occurred() ? node : record_in_place(gates[gate_##name].primitive, x, y); \
    }

UNARY_OPERATORS(UNARY_OPERATOR)
BINARY_OPERATORS(BINARY_OPERATOR)

/* x ** y, of which Python knows a form with a modulus. */
static PyObject *power_slot(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus == Py_None)
        return power_operator(x, y);
    PyErr_SetString(PyExc_TypeError, "power() takes 2 positional arguments but 3 were given");
    return NULL;
}

static PyObject *power_slot_in_place(PyObject *x, PyObject *y, PyObject *Py_UNUSED(modulus))
{
    return power_in_place(x, y);
}

/* ---- operands that gates share ------------------------------------------------------------------------------------ */

typedef struct Vector {
    PyObject_HEAD
    PyObject *members, *left_operand; /* the members again where one of them is a gate, else NULL */
    PyObject *numbers;                /* those of the members when they were last read, or NULL */
    PyObject *weak_references;
    struct Vector *next;      /* among rows of weights, see find_row */
    uint32_t place;           /* as in a node */
    uint32_t first, last;     /* 1 + places of what gates hand on, in the sweep at work */
} Vector;

static Vector *rows[1 << 12]; /* rows of weights that a gate uses, by their first member: borrowed */

static Vector **bucket_of(PyObject *first) { return &rows[((uintptr_t)first / sizeof(Node)) % (1 << 12)]; }

static PyObject *new_vector(PyObject *members)
{
    Vector *vector = (Vector *)vector_type->tp_alloc(vector_type, 0);
    if (!vector)
        return NULL;
    vector->members = Py_NewRef(members);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++) {
        PyObject *member = PyTuple_GET_ITEM(members, i);
        if (!PyFloat_CheckExact(member) && ((Node *)member)->left_operand)
            vector->left_operand = members;
    }
    return (PyObject *)vector;
}

static PyObject *vector_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *iterable, *members, *vector = NULL;
    if (!PyArg_ParseTuple(args, "O:Vector", &iterable) || !(members = PySequence_Tuple(iterable)))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++) {
        PyObject *member = PyTuple_GET_ITEM(members, i);
        if (!PyFloat_CheckExact(member) && !PyObject_TypeCheck(member, kinds[0])) {
            PyErr_Format(PyExc_TypeError, "members are Values and floats, got %R", member);
            goto done;
        }
    }
    vector = new_vector(members);
done:
    Py_DECREF(members);
    return vector;
}

static void vector_dealloc(PyObject *object)
{
    Vector *vector = (Vector *)object, **link;
    PyTypeObject *type = Py_TYPE(object);
    if (vector->weak_references)
        PyObject_ClearWeakRefs(object);
    if (PyTuple_GET_SIZE(vector->members)) {
        for (link = bucket_of(PyTuple_GET_ITEM(vector->members, 0)); *link && *link != vector; link = &(*link)->next)
            ;
        if (*link)
            *link = vector->next;
    }
    Py_DECREF(vector->members);
    Py_XDECREF(vector->numbers);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *vector_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("O(O)", vector_type, ((Vector *)self)->members);
}

static PyMemberDef vector_fields[] = {
    {"members", T_OBJECT_EX, offsetof(Vector, members), READONLY, NULL},
    {"_left", T_OBJECT, offsetof(Vector, left_operand), READONLY, NULL},
    {"_right", T_NONE, 0, READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Vector, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyMethodDef vector_methods[] = {{"__reduce__", vector_reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

/* The vector of a row of weights, a new reference: one as long as a gate uses it, so that calls share it. */
static PyObject *vector_of_row(PyObject *row)
{
    Vector *vector;
    PyObject *members = PySequence_Tuple(row);
    if (!members || !PyTuple_GET_SIZE(members)) {
        Py_XDECREF(members);
        return NULL;
    }
    const Py_ssize_t size = PyTuple_GET_SIZE(members);
    Vector **bucket = bucket_of(PyTuple_GET_ITEM(members, 0));
    for (vector = *bucket; vector; vector = vector->next) {
        Py_ssize_t i = PyTuple_GET_SIZE(vector->members) == size ? 0 : -1;
        while (0 <= i && i < size)
            i = PyTuple_GET_ITEM(vector->members, i) == PyTuple_GET_ITEM(members, i) ? i + 1 : -1;
        if (i == size) {
            Py_DECREF(members);
            return Py_NewRef(vector);
        }
    }
    if ((vector = (Vector *)new_vector(members))) {
        vector->next = *bucket;
        *bucket = vector;
    }
    Py_DECREF(members);
    return (PyObject *)vector;
}

/* Sums of products as `formulas.sum_of_products` adds them up: from left to right before Python 3.12; from then on as
   math.sumprod, in three parts (Ogita, Rump and Oishi 2005, Accurate Sum and Dot Product, Algorithm 5.10). */
#if PY_VERSION_HEX < 0x030C0000
typedef struct { double high; } Sum;
static inline void add_product(Sum *sum, double x, double y) { sum->high += x * y; }
static inline double total(const Sum *sum) { return sum->high; }
static inline bool is_plain(const Sum *Py_UNUSED(sum)) { return true; }
#else
typedef struct { double high, low, tiny; } Sum;
static inline double rounding_of_sum(double x, double y, double sum)
{
    const double z = sum - x;
    return (x - (sum - z)) + (y - z);
}
static inline void add_product(Sum *sum, double x, double y)
{
    const double product = x * y, rest = fma(x, y, -product);
    const double high = sum->high + product, by_high = rounding_of_sum(sum->high, product, high);
    const double low = sum->low + rest, by_low = rounding_of_sum(sum->low, rest, low);
    const double both = low + by_high, by_both = rounding_of_sum(low, by_high, both);
    *sum = (Sum){high, both, sum->tiny + by_low + by_both};
}
static inline double total(const Sum *sum)
{
    const double both = sum->low + sum->high;
    return 0.0 + (sum->tiny + rounding_of_sum(sum->low, sum->high, both) + both);
}
static inline bool is_plain(const Sum *sum) { return isfinite(sum->high); }
#endif

/* Room for `count` items of a size in *array, which keeps what it holds; false where memory ends. */
static bool reserve(void *array, size_t *room, size_t count, size_t size)
{
    void *moved;
    if (count <= *room)
        return true;
    if (!(moved = PyMem_RawRealloc(*(void **)array, 2 * count * size)))
        return false;
    *(void **)array = moved;
    *room = 2 * count;
    return true;
}

/* ---- the reverse sweep -------------------------------------------------------------------------------------------- */

#define SEEN UINT32_MAX
static PyObject **order; /* nodes and vectors, operands before the gates that use them, borrowed; then more leaves */
static double *adjoints; /* of each place in `order` */
static uintptr_t *waiting; /* nodes to walk, or, with the lowest bit set, to be listed */
static struct Contribution { PyObject *partials; double adjoint; uint32_t next; } *contributions; /* to vectors */
static size_t listed, order_room, adjoints_room, waits, waiting_room, handed, contributions_room;
static const union { uint64_t bits; double number; } absent = {0x7ff4000000000001}; /* a nan that no arithmetic gives */

static inline bool is_absent(double adjoint)
{
    uint64_t bits;
    memcpy(&bits, &adjoint, sizeof bits);
    return bits == absent.bits;
}

static inline bool is_node(PyObject *object) { return is_kind(Py_TYPE(object)) || PyObject_TypeCheck(object, kinds[0]); }

/* Where a node or a vector keeps its place; NULL for anything else. */
static inline uint32_t *place_of(PyObject *object)
{
    if (is_kind(Py_TYPE(object)))
        return &((Node *)object)->place;
    if (Py_TYPE(object) == vector_type)
        return &((Vector *)object)->place;
    return is_node(object) ? &((Node *)object)->place : NULL;
}

static bool list(PyObject *object)
{
    if (listed >= SEEN - 1 || !reserve(&order, &order_room, listed + 1, sizeof *order) ||
        !reserve(&adjoints, &adjoints_room, listed + 1, sizeof *adjoints))
        return false;
    adjoints[listed] = absent.number;
    order[listed++] = object;
    *place_of(object) = (uint32_t)listed;
    return true;
}

static inline bool wait_for(PyObject *object, int to_be_listed)
{
    if (waits == waiting_room && !reserve(&waiting, &waiting_room, waits + 1, sizeof *waiting))
        return false;
    waiting[waits++] = (uintptr_t)object | (uintptr_t)to_be_listed;
    return true;
}

/* List all that `root` depends on, as `graph.order_with_vectors` does; false where something in it is not plain. */
static bool walk(PyObject *root)
{
    PyObject *left, *right;
    if (!wait_for(root, 0))
        return false;
    while (waits) {
        const uintptr_t top = waiting[waits - 1];
        PyObject *node = (PyObject *)(top & ~(uintptr_t)1);
        if (top & 1 && !list(node))
            return false;
        waits--;
        if (top & 1)
            continue;
        while (node) { /* down along the left operands */
            uint32_t *place = place_of(node);
            if (!place)
                return false;
            if (*place)
                break;
            if (Py_TYPE(node) == vector_type) {
                left = ((Vector *)node)->left_operand;
                right = NULL;
            }
            else {
                left = ((Node *)node)->left_operand;
                right = ((Node *)node)->right_operand;
            }
            if (!left) {
                if (!list(node))
                    return false;
                break;
            }
            if (!wait_for(node, 1))
                return false;
            *place = SEEN;
            if (PyTuple_CheckExact(left)) {
                for (Py_ssize_t i = PyTuple_GET_SIZE(left); i--;)
                    if (!PyFloat_CheckExact(PyTuple_GET_ITEM(left, i)) && !wait_for(PyTuple_GET_ITEM(left, i), 0))
                        return false;
                break;
            }
            if (PyFloat_CheckExact(left))
                node = right;
            else {
                if (right && !PyFloat_CheckExact(right) && !wait_for(right, 0))
                    return false;
                node = left;
            }
        }
    }
    return true;
}

/* Take all marks away. */
static void forget(void)
{
    while (waits--)
        if (waiting[waits] & 1)
            *place_of((PyObject *)(waiting[waits] & ~(uintptr_t)1)) = 0;
    while (listed)
        *place_of(order[--listed]) = 0;
    waits = handed = 0;
    if (order_room > 1 << 16) { /* a large graph was here */
        PyMem_RawFree(order);
        PyMem_RawFree(adjoints);
        PyMem_RawFree(waiting);
        PyMem_RawFree(contributions);
        order = NULL, adjoints = NULL, waiting = NULL, contributions = NULL;
        order_room = adjoints_room = waiting_room = contributions_room = 0;
    }
}

/* Hand `contribution` to a node in the order. */
static inline void add(PyObject *operand, double contribution)
{
    double *adjoint = &adjoints[*place_of(operand) - 1];
    *adjoint = is_absent(*adjoint) ? contribution : *adjoint + contribution;
}

/* Keep for a vector what a gate hands on to it. */
static bool add_to_vector(Vector *vector, PyObject *partials, double adjoint)
{
    if (handed >= SEEN - 1 || !reserve(&contributions, &contributions_room, handed + 1, sizeof *contributions))
        return false;
    if (is_absent(adjoints[vector->place - 1])) {
        adjoints[vector->place - 1] = 0.0; /* something has arrived */
        vector->first = (uint32_t)handed + 1;
    }
    else
        contributions[vector->last - 1].next = (uint32_t)handed + 1;
    contributions[handed] = (struct Contribution){partials, adjoint, 0};
    vector->last = (uint32_t)++handed;
    return true;
}

/* Hand to each member of a vector the sum of partial x adjoint over the gates that share it. */
static bool hand_on(Vector *vector)
{
    const bool any = !is_absent(adjoints[vector->place - 1]);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(vector->members); i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        if (PyFloat_CheckExact(member) || (!any && ((Node *)member)->left_operand))
            continue;
        uint32_t *place = place_of(member);
        if (!*place && !list(member)) /* a leaf that only vectors hold */
            return false;
        double *adjoint = &adjoints[*place - 1];
        if (!any) {
            if (is_absent(*adjoint))
                *adjoint = 0.0;
            continue;
        }
        Sum sum = {0};
        double only = 0.0;
        for (uint32_t at = vector->first; at; at = contributions[at - 1].next) {
            const struct Contribution *one = &contributions[at - 1];
            const double partial = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(one->partials, i));
            only = partial * one->adjoint;
            add_product(&sum, partial, one->adjoint);
        }
        if (!is_plain(&sum))
            return false;
        const double handed_on = vector->first == vector->last ? only : total(&sum);
        *adjoint = (is_absent(*adjoint) ? 0.0 : *adjoint) + handed_on;
    }
    return true;
}

/* A gate with its complete adjoint hands on to its operands; false where that is not plain. */
static bool hand_on_from(const Node *node, double adjoint)
{
    PyObject *left = node->left_operand, *partials = node->right.all;
    if (!PyTuple_CheckExact(left)) {
        if (node->has & LEFT)
            add(left, node->left_partial * adjoint);
        if (node->has & RIGHT)
            add(node->right_operand, node->right.number * adjoint);
        return true;
    }
    if (!(node->has & ALL)) /* an operation of the user's own */
        return false;
    if (Py_TYPE(PyTuple_GET_ITEM(left, 0)) != vector_type) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(left); i++)
            if (PyTuple_GET_ITEM(partials, i) != Py_None)
                add(PyTuple_GET_ITEM(left, i), PyFloat_AsDouble(PyTuple_GET_ITEM(partials, i)) * adjoint);
        return true;
    }
    if (!isfinite(adjoint)) /* 0 x infinity must not reach what was not taken: no products of whole vectors */
        return false;
    PyObject *by_weights = PyTuple_GET_ITEM(partials, 0), *by_inputs = PyTuple_GET_ITEM(partials, 1);
    if (!PyTuple_CheckExact(by_weights) || !(PyTuple_CheckExact(by_inputs) || by_inputs == Py_None) ||
        !add_to_vector((Vector *)PyTuple_GET_ITEM(left, 0), by_weights, adjoint) ||
        !(by_inputs == Py_None || add_to_vector((Vector *)PyTuple_GET_ITEM(left, 1), by_inputs, adjoint)))
        return false;
    add(PyTuple_GET_ITEM(left, 2), PyFloat_AsDouble(PyTuple_GET_ITEM(partials, 2)) * adjoint);
    return true;
}

/* The adjoints of all that `root` depends on, the numbered steps of `sweep`; false where something is not plain. */
static bool sweep(PyObject *root, double seed)
{
    if (!walk(root))
        return false;
    adjoints[*place_of(root) - 1] = seed;
    for (size_t i = listed; i--;) {
        PyObject *node = order[i];
        if (Py_TYPE(node) == vector_type) {
            if (!hand_on((Vector *)node))
                return false;
        }
        else if (!((Node *)node)->left_operand || is_absent(adjoints[i])) {
            if (is_absent(adjoints[i])) /* listed even where nothing arrives */
                adjoints[i] = 0.0;
        }
        else if (!hand_on_from((Node *)node, adjoints[i]))
            return false;
    }
    return true;
}

/* Value.backward: add the adjoints to the gradients of leaves, set them on gates. */
static PyObject *fast_backward(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *root = arguments[0], *path;
    double seed = 1.0;
    if (count > 2 || !is_node(root) || !((Node *)root)->primitive || !(path = plain_path()))
        return NULL;
    Py_DECREF(path);
    if (count == 2) {
        if (!PyFloat_CheckExact(arguments[1]))
            return NULL;
        seed = PyFloat_AS_DOUBLE(arguments[1]);
    }
    PyObject *locked = PyObject_CallNoArgs(acquire);
    if (!locked)
        return NULL;
    Py_DECREF(locked);
    const bool plain = sweep(root, seed);
    for (size_t i = 0; plain && i < listed; i++) {
        Node *node = (Node *)order[i];
        if (Py_TYPE(node) == vector_type)
            continue;
        const double before = node->has & GRAD && !node->primitive && node->grad != 0.0 ? node->grad : 0.0;
        node->grad = node->primitive ? adjoints[i] : before + adjoints[i];
        node->has |= GRAD;
    }
    forget();
    PyObject *unlocked = PyObject_CallNoArgs(release);
    Py_XDECREF(unlocked);
    return unlocked && plain ? Py_NewRef(Py_None) : NULL;
}

/* ---- layers of dot gates ------------------------------------------------------------------------------------------ */

/* The numbers of a vector as a tuple of floats, borrowed, the one before where they are the same; copied to `copy`, too.
   NULL where a member is not plain. */
static PyObject *numbers_of(Vector *vector, double *copy)
{
    const Py_ssize_t size = PyTuple_GET_SIZE(vector->members);
    bool same = vector->numbers != NULL;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        if (PyFloat_CheckExact(member))
            copy[i] = PyFloat_AS_DOUBLE(member);
        else if (is_kind(Py_TYPE(member)) && !(((Node *)member)->has & NOTHING))
            copy[i] = ((Node *)member)->data;
        else
            return NULL;
        if (same) {
            const double before = PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(vector->numbers, i));
            same = !memcmp(&before, &copy[i], sizeof before);
        }
    }
    if (same)
        return vector->numbers;
    Py_CLEAR(vector->numbers);
    PyObject *numbers = PyTuple_New(size);
    for (Py_ssize_t i = 0; numbers && i < size; i++) {
        PyObject *number = PyFloat_FromDouble(copy[i]);
        if (!number)
            Py_CLEAR(numbers);
        else
            PyTuple_SET_ITEM(numbers, i, number);
    }
    if (numbers)
        PyObject_GC_UnTrack(numbers);
    return vector->numbers = numbers;
}

/* The inputs of one example as a vector of `size` Values and floats. */
static PyObject *vector_of_inputs(PyObject *x, Py_ssize_t size)
{
    PyObject *vector = NULL, *listed_inputs = PySequence_Fast(x, "inputs"), *members = NULL;
    double number;
    if (listed_inputs && PySequence_Fast_GET_SIZE(listed_inputs) == size && (members = PyTuple_New(size))) {
        for (Py_ssize_t i = 0; i < size; i++) {
            PyObject *given = PySequence_Fast_GET_ITEM(listed_inputs, i);
            PyObject *member = read_operand(given, is_kind(Py_TYPE(given)) ? Py_TYPE(given) : kinds[0], &number);
            if (!member)
                goto done;
            PyTuple_SET_ITEM(members, i, member);
        }
        vector = new_vector(members);
    }
done:
    Py_XDECREF(listed_inputs);
    Py_XDECREF(members);
    return vector;
}

/* One dot gate of a layer: weights and inputs with their numbers, a tuple each and its copy. */
static PyObject *new_dot(
    PyObject *gate, PyObject *row, PyObject *inputs, PyObject *bias, PyObject *path,
    PyObject *by_weights, PyObject *by_inputs, const double *w, const double *x, Py_ssize_t size)
{
    Sum sum = {0};
    for (Py_ssize_t i = 0; i < size; i++)
        add_product(&sum, w[i], x[i]);
    Node *node = is_plain(&sum) ? new_node(Py_TYPE(bias)) : NULL;
    PyObject *operands = node ? PyTuple_Pack(3, row, inputs, bias) : NULL;
    PyObject *one = operands ? PyFloat_FromDouble(1.0) : NULL;
    PyObject *partials = one ? PyTuple_Pack(3, by_weights, by_inputs, one) : NULL;
    Py_XDECREF(one);
    if (!partials) {
        Py_XDECREF(operands);
        Py_XDECREF(node);
        return NULL;
    }
    PyObject_GC_UnTrack(partials); /* numbers alone */
    if (Py_TYPE(bias) == kinds[0])
        PyObject_GC_UnTrack(operands);
    node->data = total(&sum) + ((Node *)bias)->data;
    node->primitive = Py_NewRef(gate);
    node->left_operand = operands;
    node->right.all = partials;
    node->has = ALL;
    node->path = path == Py_None ? NULL : Py_NewRef(path);
    return (PyObject *)node;
}

/* dots(rows, batch, biases, paths, gate): what `vectors.dots` gives, None where something is not plain. */
static PyObject *dots(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *rows_given, *batch, *biases, *paths, *gate, *outputs = NULL, *vectors = NULL;
    double *numbers = NULL;
    bool computed = false; /* weights with something behind them, which get nothing beside a constant 0 */
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O", &PyList_Type, &rows_given, &PyList_Type, &batch, &PyList_Type, &biases,
                          &PyTuple_Type, &paths, &gate))
        return NULL;
    const Py_ssize_t rows_count = PyList_GET_SIZE(rows_given);
    Py_ssize_t size = 0;
    if (!(vectors = PyTuple_New(rows_count)))
        return NULL;
    for (Py_ssize_t j = 0; j < rows_count; j++) {
        PyObject *bias = PyList_GET_ITEM(biases, j);
        Vector *row = (Vector *)vector_of_row(PyList_GET_ITEM(rows_given, j));
        if (!row)
            goto done;
        PyTuple_SET_ITEM(vectors, j, (PyObject *)row);
        if (j == 0) {
            size = PyTuple_GET_SIZE(row->members);
            if (!(numbers = PyMem_RawMalloc((size_t)(rows_count + 1) * (size_t)size * sizeof *numbers)))
                goto done;
        }
        if (!is_kind(Py_TYPE(bias)) || Py_TYPE(bias) != Py_TYPE(PyList_GET_ITEM(biases, 0)) ||
            ((Node *)bias)->has & NOTHING || PyTuple_GET_SIZE(row->members) != size ||
            !numbers_of(row, numbers + j * size))
            goto done;
        computed = computed || row->left_operand;
    }
    if (!(outputs = PyList_New(0)))
        goto done;
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(batch); n++) {
        double *x = numbers + rows_count * size;
        PyObject *inputs = vector_of_inputs(PyList_GET_ITEM(batch, n), size), *layer = PyList_New(rows_count);
        PyObject *by_weights = inputs ? numbers_of((Vector *)inputs, x) : NULL;
        bool constant = true, fine = layer && by_weights;
        for (Py_ssize_t i = 0; fine && i < size; i++) {
            const bool number = PyFloat_CheckExact(PyTuple_GET_ITEM(((Vector *)inputs)->members, i));
            constant = constant && number;
            fine = !(computed && number && x[i] == 0.0);
        }
        for (Py_ssize_t j = 0; fine && j < rows_count; j++) {
            PyObject *row = PyTuple_GET_ITEM(vectors, j);
            PyObject *node = new_dot(gate, row, inputs, PyList_GET_ITEM(biases, j), PyTuple_GET_ITEM(paths, j), by_weights,
                                     constant ? Py_None : ((Vector *)row)->numbers, numbers + j * size, x, size);
            if ((fine = node != NULL))
                PyList_SET_ITEM(layer, j, node);
        }
        fine = fine && !PyList_Append(outputs, layer);
        Py_XDECREF(layer);
        Py_XDECREF(inputs);
        if (!fine) {
            Py_CLEAR(outputs);
            break;
        }
    }
done:
    Py_DECREF(vectors);
    PyMem_RawFree(numbers);
    return outputs || PyErr_Occurred() ? outputs : Py_NewRef(Py_None);
}

/* ---- functions of Python with a short way in C -------------------------------------------------------------------- */

typedef PyObject *Fast(const Gate *, PyObject *const *, Py_ssize_t);

/* A function of Python, and what does the same sooner for what is plain. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *function;
    Fast *fast;
    const Gate *gate;
} Quick;

static PyObject *call_quick(PyObject *self, PyObject *const *arguments, size_t count, PyObject *keywords)
{
    const Quick *quick = (Quick *)self;
    PyObject *result = NULL;
    if (!keywords && PyVectorcall_NARGS(count) > 0)
        result = quick->fast(quick->gate, arguments, PyVectorcall_NARGS(count));
    return result || PyErr_Occurred() ? result : PyObject_Vectorcall(quick->function, arguments, count, keywords);
}

static PyObject *fast_unary(const Gate *gate, PyObject *const *arguments, Py_ssize_t count)
{
    return count == 1 ? record_unary(gate, gate->rule, arguments[0]) : NULL;
}

static PyObject *fast_binary(const Gate *gate, PyObject *const *arguments, Py_ssize_t count)
{
    return count == 2 && is_kind(Py_TYPE(arguments[0])) ? record_binary(gate, gate->rule, arguments[0], arguments[1]) : NULL;
}

static bool is_read_plainly(PyObject *node)
{
    PyObject *path = is_kind(Py_TYPE(node)) ? plain_path() : NULL;
    Py_XDECREF(path);
    return path != NULL;
}

static PyObject *fast_data(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t Py_UNUSED(count))
{
    return is_read_plainly(arguments[0]) ? get_data(arguments[0], NULL) : NULL;
}

static PyObject *fast_grad(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t Py_UNUSED(count))
{
    const Node *node = (Node *)arguments[0];
    return is_read_plainly(arguments[0]) ? PyFloat_FromDouble(node->has & GRAD ? node->grad : 0.0) : NULL;
}

static PyObject *fast_set_data(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t Py_UNUSED(count))
{
    if (!is_read_plainly(arguments[0]) || ((Node *)arguments[0])->primitive || !PyFloat_CheckExact(arguments[1]))
        return NULL;
    return set_data(arguments[0], arguments[1], NULL) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *quick_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

/* What is asked of it is asked of its function, but its class, and what `pickle` and `inspect` ask. */
static PyObject *quick_getattr(PyObject *self, PyObject *name)
{
    const char *own[] = {"__class__", "__reduce__", "__reduce_ex__", "__wrapped__"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0)
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

/* quick(name, function): the function with its short way, by the name of a gate or of a method; itself without one. */
static PyObject *quick(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    static const struct { const char *name; Fast *fast; } methods[] = {
        {"backward", fast_backward}, {"data", fast_data}, {"grad", fast_grad}, {"set data", fast_set_data}};
    PyObject *function;
    const char *name;
    Fast *fast = NULL;
    const Gate *gate = NULL;
    if (!PyArg_ParseTuple(arguments, "sO", &name, &function))
        return NULL;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (!strcmp(methods[i].name, name))
            fast = methods[i].fast;
    for (size_t i = 0; i < COUNT; i++)
        if (!strcmp(gates[i].name, name)) {
            gate = &gates[i];
            fast = gate->arity == 1 ? fast_unary : fast_binary;
        }
    if (!fast)
        return Py_NewRef(function);
    Quick *self = (Quick *)quick_type->tp_alloc(quick_type, 0);
    if (self) {
        self->call = call_quick;
        self->function = Py_NewRef(function);
        self->fast = fast;
        self->gate = gate;
    }
    return (PyObject *)self;
}

/* ---- the types and the module ------------------------------------------------------------------------------------- */

/* Value(3.0), which needs nothing of `Value.__init__`. */
static PyObject *new_leaf(PyObject *type, PyObject *const *arguments, size_t count, PyObject *keywords)
{
    const Py_ssize_t given = PyVectorcall_NARGS(count);
    PyObject *path = NULL, *result = NULL;
    if (given == 1 && !keywords && PyFloat_CheckExact(arguments[0]) && (path = plain_path())) {
        Node *leaf = new_node((PyTypeObject *)type);
        if (leaf)
            leaf->data = PyFloat_AS_DOUBLE(arguments[0]);
        Py_DECREF(path);
        return (PyObject *)leaf;
    }
    const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    PyObject *tuple = PyTuple_New(given), *dict = PyDict_New();
    for (Py_ssize_t i = 0; tuple && i < given; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(arguments[i]));
    for (Py_ssize_t i = 0; dict && i < named; i++)
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, i), arguments[given + i]) < 0)
            Py_CLEAR(dict);
    if (tuple && dict && !PyErr_Occurred())
        result = PyType_Type.tp_call(type, tuple, dict);
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    return result;
}

#define UNARY_SLOT(name, slot) {Py_nb_##slot, name##_operator},
#define BINARY_SLOT(name, slot) {Py_nb_##slot, name##_operator}, {Py_nb_inplace_##slot, name##_in_place},
#define power_operator power_slot /* in the slots below */
#define power_in_place power_slot_in_place
static PyMemberDef node_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot node_slots[] = {
    {Py_tp_dealloc, node_dealloc}, {Py_tp_traverse, node_traverse}, {Py_tp_getset, node_fields},
    {Py_tp_members, node_members}, UNARY_OPERATORS(UNARY_SLOT) BINARY_OPERATORS(BINARY_SLOT) {0, NULL}};
static PyType_Slot vector_slots[] = {
    {Py_tp_new, vector_new}, {Py_tp_dealloc, vector_dealloc}, {Py_tp_members, vector_fields},
    {Py_tp_methods, vector_methods}, {0, NULL}};
static PyMemberDef quick_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Quick, function), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Quick, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
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
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, quick_slots};

/* set_up(context, nothing, acquire, release, gates): what the engine takes from Python; `gates` gives them by name. */
static PyObject *set_up(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *lookup;
    if (!PyArg_ParseTuple(arguments, "OOOOO", &context, &nothing, &acquire, &release, &lookup))
        return NULL;
    Py_INCREF(context), Py_INCREF(nothing), Py_INCREF(acquire), Py_INCREF(release);
    for (size_t i = 0; i < COUNT; i++)
        if (!(gates[i].primitive = PyObject_CallFunction(lookup, "s", gates[i].name)))
            return NULL;
    return Py_NewRef(Py_None);
}

/* adopt(kind): its Values are plain, too. */
static PyObject *adopt(PyObject *Py_UNUSED(module), PyObject *kind)
{
    kinds[1] = (PyTypeObject *)Py_NewRef(kind);
    return Py_NewRef(Py_None);
}

static PyObject *vector_of(PyObject *Py_UNUSED(module), PyObject *row) { return vector_of_row(row); }

static PyMethodDef functions[] = {
    {"set_up", set_up, METH_VARARGS, NULL}, {"adopt", adopt, METH_O, NULL}, {"quick", quick, METH_VARARGS, NULL},
    {"dots", dots, METH_VARARGS, NULL},     {"vector_of", vector_of, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    kinds[0] = (PyTypeObject *)PyType_FromSpec(&node_spec);
    vector_type = (PyTypeObject *)PyType_FromSpec(&vector_spec);
    quick_type = (PyTypeObject *)PyType_FromSpec(&quick_spec);
    if (!module || !kinds[0] || !vector_type || !quick_type)
        return NULL;
    kinds[0]->tp_vectorcall = new_leaf;
    if (PyModule_AddObjectRef(module, "Node", (PyObject *)kinds[0]) < 0 ||
        PyModule_AddObjectRef(module, "Vector", (PyObject *)vector_type) < 0)
        return NULL;
    return module;
}
