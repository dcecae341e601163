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

#ifndef __GNUC__
#define __attribute__(what)
#endif

static PyTypeObject *plain, *room, *vector_type, *quick_type; /* Value; Value of the room of micrograd, or NULL */
static PyObject *context, *nothing, *one, *make; /* context variable; constant 0 of partials; 1.0; Value(...) of Python */
static int holders; /* that add gradients up in Python, where other threads may run meanwhile */

/* ---- nodes -------------------------------------------------------------------------------------------------------- */

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

/* ---- recording ---------------------------------------------------------------------------------------------------- */

typedef struct { double out, left, right; int handed; } Outcome; /* of a rule: value, partials, which are handed on */

#define UNUSED(x) (void)(x)
#define NO_NEUTRAL 0.5 /* no int */
#define FINITE(x) watched(x, &fine) /* what raises in Python is not finite in C */

static inline double watched(double x, bool *fine)
{
    *fine = *fine && isfinite(x);
    return x;
}

#define HAND(side, bit, partial, handed_on) (outcome->side = (partial), outcome->handed |= (handed_on) ? bit : 0)

/* The library's functions, called as they are, where a compiler would make x * x of pow(x, 2), which has other bits. What
   is called twice with the same number is called once. */
#define LIBRARY(name, parameters, arguments)                                       \
    static __attribute__((const, noinline)) double libm_##name parameters          \
    {                                                                              \
        static double(*volatile function) parameters = name;                       \
        return function arguments;                                                 \
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
#define ROW(name, arity, vanishing, neutral) {#name, arity, vanishing, neutral, name##_rule, NULL},
#define INDEX(name, arity, vanishing, neutral) gate_##name,
static Gate gates[] = {GATES(ROW)};
enum { GATES(INDEX) COUNT };

/* The path of the module at work as a new reference, or None; NULL where the context asks for more. */
static inline PyObject *plain_path(void)
{
    PyObject *here;
    if (PyContextVar_Get(context, NULL, &here) < 0 || here == Py_None || PyUnicode_CheckExact(here))
        return here;
    Py_DECREF(here);
    return NULL;
}

/* An operand as it is recorded, a new reference, and its number; NULL where it is not plain. */
static inline PyObject *read_operand(PyObject *x, PyTypeObject *kind, double *number)
{
    if (Py_TYPE(x) == kind)
        return *number = ((Node *)x)->data, ((Base *)x)->has & DATA ? Py_NewRef(x) : NULL;
    if (PyFloat_CheckExact(x))
        return *number = PyFloat_AS_DOUBLE(x), Py_NewRef(x);
    if (!PyLong_CheckExact(x))
        return NULL;
    *number = PyLong_AsDouble(x);
    return *number == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(*number);
}

/* A gate of one operand or of two; NULL where something is not plain. Rule and arity are known where it is inlined. */
static inline __attribute__((always_inline)) PyObject *record(const Gate *gate, Rule *rule, int arity, PyObject *x, PyObject *y)
{
    PyTypeObject *kind = arity == 1 || is_kind(Py_TYPE(x)) ? Py_TYPE(x) : Py_TYPE(y);
    if (!is_kind(kind))
        return NULL;
    Outcome outcome = {0.0, 0.0, 0.0, 0};
    const int wanted = (Py_TYPE(x) == kind ? LEFT : 0) | (arity == 2 && Py_TYPE(y) == kind ? RIGHT : 0);
    double a, b = 0.0;
    PyObject *left = read_operand(x, kind, &a), *right = left && arity == 2 ? read_operand(y, kind, &b) : NULL, *path = NULL;
    Node *node = NULL;
    if ((arity == 2 ? right : left) && !(a == 0.0 && gate->vanishing & ~wanted & LEFT) &&
        !(b == 0.0 && gate->vanishing & ~wanted & RIGHT) && rule(a, b, wanted, &outcome) && (path = plain_path())) {
        if (a == gate->neutral && b != 0.0 && PyLong_CheckExact(x))
            node = (Node *)Py_NewRef(right);
        else if ((node = new_node(kind))) {
            node->data = outcome.out;
            node->left_partial = outcome.left;
            node->right_partial = outcome.right;
            node->base.has = outcome.handed | DATA;
            node->base.left = left;
            node->base.right = right;
            node->path = path;
            node->primitive = Py_NewRef(gate->primitive);
            return (PyObject *)node;
        }
    }
    Py_XDECREF(path);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return (PyObject *)node;
}

#include "tape.h"

static PyObject *fast_unary(const Gate *gate, PyObject *const *operands, Py_ssize_t count)
{
    PyObject *node = count == 1 ? record(gate, gate->rule, 1, operands[0], NULL) : NULL;
    return node || count != 1 || PyErr_Occurred() ? node : record_traced(gate->primitive, operands, 1);
}

static PyObject *fast_binary(const Gate *gate, PyObject *const *operands, Py_ssize_t count)
{
    return count == 2 && is_kind(Py_TYPE(operands[0])) ? record(gate, gate->rule, 2, operands[0], operands[1]) : NULL;
}

#define BINARY_OPERATOR(name, slot)                                                                       \
    static PyObject *name##_operator(PyObject *x, PyObject *y)                                            \
    {                                                                                                     \
        const Gate *gate = &gates[gate_##name];                                                           \
        PyObject *operands[] = {x, y}, *node = record(gate, name##_rule, 2, x, y);                        \
        return node || PyErr_Occurred() ? node : gate_of(gate->primitive, operands, 2);                   \
    }
BINARY_OPERATORS(BINARY_OPERATOR)

static PyObject *power_of_two_operands(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus == Py_None)
        return power_operator(x, y);
    if (!is_node(x))
        return Py_NewRef(Py_NotImplemented);
    return PyErr_Format(PyExc_TypeError, "power() takes 2 positional arguments but 3 were given");
}

/* ---- operands that gates share ------------------------------------------------------------------------------------ */

/* Sums of products as `formulas.sum_of_products` has them: from left to right before Python 3.12, later as math.sumprod, in
   three parts (Ogita, Rump and Oishi 2005, Accurate Sum and Dot Product, Algorithm 5.10). */
#if PY_VERSION_HEX < 0x030C0000
typedef struct { double high; } Sum;
static inline void add_product(Sum *sum, double x, double y) { sum->high += x * y; }
static inline double total(const Sum *sum) { return 0.0 + sum->high; }
#else
typedef struct { double high, low, tiny; } Sum;
static inline double sum_and_rest(double x, double y, double *rest)
{
    const double sum = x + y, z = sum - x;
    *rest = (x - (sum - z)) + (y - z);
    return sum;
}
static inline void add_product(Sum *sum, double x, double y)
{
    double by_high, by_low, by_both;
    const double product = x * y;
    sum->high = sum_and_rest(sum->high, product, &by_high);
    sum->low = sum_and_rest(sum->low, fma(x, y, -product), &by_low);
    sum->low = sum_and_rest(sum->low, by_high, &by_both);
    sum->tiny += by_low + by_both;
}
static inline double total(const Sum *sum)
{
    double rest;
    const double both = sum_and_rest(sum->low, sum->high, &rest);
    return 0.0 + (sum->tiny + rest + both);
}
#endif

typedef struct Vector {
    Base base;         /* its left: the members again where one of them is a gate, else NULL */
    PyObject *members; /* a tuple */
    PyObject *numbers; /* those of the members when they were last read, a tuple, or NULL */
    PyObject *weak_references;
    Sum *sums;         /* in a sweep: what gates hand on to each member, added up */
    Py_ssize_t gates;  /* how many have handed on */
    Py_ssize_t constants; /* how many members are floats */
    bool zero;            /* whether one of these is 0 */
    struct Vector *next;  /* in a bucket of `rows` */
} Vector;

static Vector *rows[1 << 12]; /* by the first member, of which there is one: rows of weights that gates use; borrowed */

/* Where the row of weights that begins with `first` is noted, or would be. */
static Vector **place_of_row(PyObject *first)
{
    Vector **link = &rows[(uintptr_t)first / sizeof(Node) % (1 << 12)];
    while (*link && PyTuple_GET_ITEM((*link)->members, 0) != first)
        link = &(*link)->next;
    return link;
}

/* A vector of the Values and floats in a sequence. */
static Vector *new_vector(PyObject *given)
{
    PyObject *members = PySequence_Tuple(given);
    Vector *vector = members ? (Vector *)vector_type->tp_alloc(vector_type, 0) : NULL;
    if (!vector) {
        Py_XDECREF(members);
        return NULL;
    }
    vector->members = members;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); i++) {
        PyObject *member = PyTuple_GET_ITEM(members, i);
        if (PyFloat_CheckExact(member)) {
            vector->constants++;
            vector->zero |= PyFloat_AS_DOUBLE(member) == 0.0;
        }
        else if (!is_node(member)) {
            PyErr_Format(PyExc_TypeError, "members are Values and floats, got %R", member);
            Py_DECREF(vector);
            return NULL;
        }
        else if (!is_none(((Base *)member)->left))
            vector->base.left = members;
    }
    return vector;
}

static PyObject *vector_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *Py_UNUSED(keywords))
{
    PyObject *given;
    return PyArg_ParseTuple(args, "O:Vector", &given) ? (PyObject *)new_vector(given) : NULL;
}

static void vector_dealloc(PyObject *object)
{
    Vector *vector = (Vector *)object;
    PyTypeObject *type = Py_TYPE(object);
    Vector **row = PyTuple_GET_SIZE(vector->members) ? place_of_row(PyTuple_GET_ITEM(vector->members, 0)) : NULL;
    if (row && *row == vector) /* before callbacks of weak references, which may ask for it */
        *row = vector->next;
    if (vector->weak_references)
        PyObject_ClearWeakRefs(object);
    Py_DECREF(vector->members);
    Py_XDECREF(vector->numbers);
    type->tp_free(object);
    Py_DECREF(type);
}

/* vector_of(row): the vector of a row of weights, one as long as a gate uses it, so that calls share it. */
static PyObject *vector_of(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *members = PySequence_Tuple(given), *first = members ? PySequence_GetItem(members, 0) : NULL;
    Vector **row = first ? place_of_row(first) : NULL, *vector = row ? *row : NULL;
    if (vector && PyTuple_GET_SIZE(members) == PyTuple_GET_SIZE(vector->members) &&
        !memcmp(PySequence_Fast_ITEMS(members), PySequence_Fast_ITEMS(vector->members),
                (size_t)PyTuple_GET_SIZE(members) * sizeof first))
        Py_INCREF(vector);
    else if ((vector = first ? new_vector(members) : NULL)) {
        row = place_of_row(first);
        vector->next = *row ? (*row)->next : NULL; /* another row that begins so is noted no more */
        *row = vector;
    }
    Py_XDECREF(first);
    Py_XDECREF(members);
    return (PyObject *)vector;
}

static inline double number_in(PyObject *tuple, Py_ssize_t i) { return PyFloat_AS_DOUBLE(PyTuple_GET_ITEM(tuple, i)); }
static inline double number_of(PyObject *x) { return PyFloat_CheckExact(x) ? PyFloat_AS_DOUBLE(x) : ((Node *)x)->data; }

/* The numbers of a vector as a tuple of floats, borrowed, the one before where they are the same; NULL for not plain. */
static PyObject *numbers_of(Vector *vector)
{
    const Py_ssize_t size = PyTuple_GET_SIZE(vector->members);
    bool same = vector->numbers;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        if (!PyFloat_CheckExact(member) && !is_plain(member))
            return NULL;
        const double number = number_of(member); /* compared by its bits */
        same = same && !memcmp(&number, &((PyFloatObject *)PyTuple_GET_ITEM(vector->numbers, i))->ob_fval, sizeof number);
    }
    PyObject *numbers = same ? NULL : PyTuple_New(size);
    for (Py_ssize_t i = 0; numbers && i < size; i++) {
        PyObject *member = PyTuple_GET_ITEM(vector->members, i);
        PyObject *number = PyFloat_CheckExact(member) ? Py_NewRef(member) : PyFloat_FromDouble(number_of(member));
        PyTuple_SET_ITEM(numbers, i, number);
        if (!number)
            Py_CLEAR(numbers);
    }
    if (numbers)
        PyObject_GC_UnTrack(numbers);
    if (!same)
        Py_XSETREF(vector->numbers, numbers);
    return vector->numbers;
}

/* One dot gate: weights w and inputs x, with their numbers, and a bias. */
static PyObject *new_dot(PyObject *gate, Vector *w, Vector *x, PyObject *bias, PyObject *path)
{
    const Py_ssize_t size = PyTuple_GET_SIZE(w->numbers);
    Sum sum = {0};
    for (Py_ssize_t i = 0; i < size; i++)
        add_product(&sum, number_in(w->numbers, i), number_in(x->numbers, i));
    const double out = total(&sum);
    PyObject *operands = PyTuple_Pack(3, w, x, bias), *by_inputs = x->constants == size ? Py_None : w->numbers;
    PyObject *partials = PyTuple_Pack(3, x->numbers, by_inputs, one);
    Node *node = isfinite(out) && operands && partials ? new_node(Py_TYPE(bias)) : NULL;
    if (!node) {
        Py_XDECREF(operands);
        Py_XDECREF(partials);
        return NULL;
    }
    PyObject_GC_UnTrack(partials); /* numbers alone, and below nodes alone, make no cycle */
    if (Py_TYPE(bias) == plain)
        PyObject_GC_UnTrack(operands);
    node->data = out + ((Node *)bias)->data;
    node->base.has = DATA | PARTIALS;
    node->base.left = operands;
    node->partials = partials;
    node->path = Py_NewRef(path);
    node->primitive = Py_NewRef(gate);
    return (PyObject *)node;
}

/* The outputs of a layer for one example, a list; NULL where something is not plain, such as what can be read but once. */
static PyObject *layer(PyObject *vectors, PyObject *example, PyObject *biases, PyObject *paths, PyObject *gate)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(vectors), size = Py_SIZE(((Vector *)PyTuple_GET_ITEM(vectors, 0))->members);
    PyObject *inputs = PyList_CheckExact(example) || PyTuple_CheckExact(example) ? PyTuple_New(size) : NULL, *made = NULL;
    double number;
    bool fine = inputs && PySequence_Fast_GET_SIZE(example) == size;
    for (Py_ssize_t i = 0; fine && i < size; i++) {
        PyObject *input = PySequence_Fast_GET_ITEM(example, i);
        if ((fine = (made = read_operand(input, is_kind(Py_TYPE(input)) ? Py_TYPE(input) : plain, &number))))
            PyTuple_SET_ITEM(inputs, i, made);
    }
    Vector *x = fine ? new_vector(inputs) : NULL;
    PyObject *outputs = x && numbers_of(x) ? PyList_New(count) : NULL;
    fine = outputs;
    for (Py_ssize_t j = 0; fine && j < count; j++) {
        Vector *w = (Vector *)PyTuple_GET_ITEM(vectors, j);
        if ((fine = !(x->zero && w->base.left) && /* a computed weight beside the constant 0 gets nothing */
                    (made = new_dot(gate, w, x, PyTuple_GET_ITEM(biases, j), PyTuple_GET_ITEM(paths, j)))))
            PyList_SET_ITEM(outputs, j, made);
    }
    if (!fine)
        Py_CLEAR(outputs);
    Py_XDECREF(inputs);
    Py_XDECREF(x);
    return outputs;
}

/* dots(rows, batch, biases, paths, gate): what `vectors.dots` gives, of tuples; None where something is not plain. */
static PyObject *dots(PyObject *module, PyObject *arguments)
{
    PyObject *rows, *batch, *biases, *paths, *gate, *made = NULL;
    PyTypeObject *const tuple = &PyTuple_Type;
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O", tuple, &rows, tuple, &batch, tuple, &biases, tuple, &paths, &gate))
        return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(rows), examples = PyTuple_GET_SIZE(batch);
    PyObject *vectors = PyTuple_New(count), *outputs = PyList_New(examples);
    bool fine = vectors && outputs && count && PyTuple_GET_SIZE(biases) == count && PyTuple_GET_SIZE(paths) == count;
    for (Py_ssize_t j = 0; fine && j < count; j++) {
        PyObject *bias = PyTuple_GET_ITEM(biases, j);
        if ((fine = is_plain(bias) && Py_TYPE(bias) == Py_TYPE(PyTuple_GET_ITEM(biases, 0)) &&
                    (made = vector_of(module, PyTuple_GET_ITEM(rows, j))))) {
            PyTuple_SET_ITEM(vectors, j, made);
            fine = !((Vector *)made)->constants && numbers_of((Vector *)made) &&
                   Py_SIZE(((Vector *)made)->members) == Py_SIZE(((Vector *)PyTuple_GET_ITEM(vectors, 0))->members);
        }
    }
    for (Py_ssize_t n = 0; fine && n < examples; n++)
        if ((fine = (made = layer(vectors, PyTuple_GET_ITEM(batch, n), biases, paths, gate))))
            PyList_SET_ITEM(outputs, n, made);
    Py_XDECREF(vectors);
    if (fine)
        return outputs;
    Py_XDECREF(outputs);
    PyErr_Clear(); /* Python does it, and says what is wrong */
    return Py_NewRef(Py_None);
}

/* set_paths(results, paths): give each gate among the results the path of a neuron of its own. */
static PyObject *set_paths(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *results, *paths;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyList_Type, &results, &PyTuple_Type, &paths))
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(results) && i < PyTuple_GET_SIZE(paths); i++) {
        PyObject *result = PyList_GET_ITEM(results, i);
        if (is_node(result) && !is_none(((Node *)result)->primitive))
            Py_XSETREF(((Node *)result)->path, Py_NewRef(PyTuple_GET_ITEM(paths, i)));
    }
    return Py_NewRef(Py_None);
}

/* ---- the reverse sweep -------------------------------------------------------------------------------------------- */

#define SEEN UINT32_MAX
static struct {
    Base *node; /* one that is listed: operands stand before the gates that use them; borrowed */
    union {
        double adjoint;
        uintptr_t waiting; /* during the walk, a stack beside: nodes to walk or, with the lowest bit set, to list */
    };
} *order;
static size_t listed, waits, room_in_order;
static const union { uint64_t bits; double number; } absent = {0x7ff8c0ffee000001}; /* a nan that no arithmetic gives */

static inline bool is_absent(double adjoint) { return !memcmp(&adjoint, &absent, sizeof adjoint); }

static inline bool reserve(void)
{
    if (listed < room_in_order && waits < room_in_order)
        return true;
    const size_t room_wanted = 2 * room_in_order + 64;
    void *moved = room_wanted < SEEN ? PyMem_RawRealloc(order, room_wanted * sizeof *order) : NULL;
    order = moved ? moved : order;
    room_in_order = moved ? room_wanted : room_in_order;
    return moved;
}

static inline bool list(Base *node)
{
    if (!reserve())
        return false;
    order[listed].node = node;
    node->place = (uint32_t)++listed;
    return true;
}

/* Put an operand on the stack; false where one to which a partial is handed on is a number. */
static inline bool wait_for(PyObject *operand, bool handed)
{
    if (is_none(operand) || PyFloat_CheckExact(operand))
        return !handed;
    if ((is_kind(Py_TYPE(operand)) || Py_TYPE(operand) == vector_type) && ((Base *)operand)->place) /* met before */
        return true;
    if (!reserve())
        return false;
    order[waits++].waiting = (uintptr_t)operand;
    return true;
}

/* List all that `root` depends on in the order of `graph.order_with_vectors`; false where something is not plain. */
static bool walk(PyObject *root)
{
    bool fine = wait_for(root, true);
    while (fine && waits) {
        const uintptr_t top = order[waits - 1].waiting;
        Base *node = (Base *)(top & ~(uintptr_t)1);
        const bool vector = Py_TYPE(node) == vector_type, unknown = !vector && !is_node((PyObject *)node);
        if (unknown || (node->place && !(top & 1))) {
            fine = !unknown;
            waits--;
        }
        else if (top & 1 || is_none(node->left)) { /* its operands have been listed */
            if ((fine = list(node)))
                waits--;
        }
        else {
            PyObject *left = node->left, *partials = node->has & PARTIALS ? ((Node *)node)->partials : NULL;
            const Py_ssize_t size = PyTuple_CheckExact(left) ? PyTuple_GET_SIZE(left) : -1;
            order[waits - 1].waiting |= 1;
            node->place = SEEN;
            if (size < 0)
                fine = !partials && wait_for(node->right, node->has & RIGHT) && wait_for(left, node->has & LEFT);
            else /* an operation of the user's own has no partials */
                fine = vector || (partials && PyTuple_GET_SIZE(partials) == size && !(node->has & RIGHT));
            for (Py_ssize_t i = size; fine && i-- > 0;)
                fine = wait_for(PyTuple_GET_ITEM(left, i), !vector && PyTuple_GET_ITEM(partials, i) != Py_None);
        }
    }
    return fine;
}

/* Take all marks away. */
static void forget(void)
{
    while (waits)
        if (order[--waits].waiting & 1) /* others have no mark, and may be no nodes */
            ((Base *)(order[waits].waiting & ~(uintptr_t)1))->place = 0;
    while (listed) {
        Base *node = order[--listed].node;
        node->place = 0;
        if (Py_TYPE(node) == vector_type) {
            PyMem_RawFree(((Vector *)node)->sums);
            ((Vector *)node)->sums = NULL;
            ((Vector *)node)->gates = 0;
        }
    }
    if (room_in_order > 1 << 16) { /* a large graph was here */
        PyMem_RawFree(order);
        order = NULL;
        room_in_order = 0;
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
        (!vector->sums && !(vector->sums = PyMem_RawCalloc(size + 1, sizeof(Sum)))))
        return false;
    Sum *const sums = vector->sums;
    for (size_t i = 0; !vector->gates && i < size; i++)
        sums[i].high = -0.0; /* so that a product alone stays -0 */
    bool fine = true;
    for (size_t i = 0; fine && i < size; i++)
        if ((fine = PyFloat_CheckExact(PyTuple_GET_ITEM(partials, i))))
            add_product(&sums[i], number_in(partials, (Py_ssize_t)i), adjoint);
    vector->gates++;
    return fine;
}

/* A vector hands to each member the sum of what its gates handed on; false where memory ends or a sum is not finite. */
static bool hand_on(Vector *vector)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(vector->members); i++) {
        Base *member = (Base *)PyTuple_GET_ITEM(vector->members, i);
        if (PyFloat_CheckExact(member) || (!vector->gates && !is_none(member->left)))
            continue;
        const bool new = !member->place; /* a leaf that only vectors hold */
        if (new && !list(member))
            return false;
        double *adjoint = &order[member->place - 1].adjoint;
        const double sum = !vector->gates ? -0.0 : vector->gates == 1 ? vector->sums[i].high : total(&vector->sums[i]);
        if (!isfinite(sum))
            return false;
        *adjoint = (new || is_absent(*adjoint) ? 0.0 : *adjoint) + sum;
    }
    return true;
}

/* A gate with its complete adjoint hands partial x adjoint to its operands; false where that is not plain. */
static bool hand_on_from(const Node *node, double adjoint)
{
    PyObject *left = node->base.left;
    if (node->base.has & LEFT)
        add(left, node->left_partial * adjoint);
    if (node->base.has & RIGHT)
        add(node->base.right, node->right_partial * adjoint);
    PyObject *partials = node->base.has & PARTIALS ? node->partials : NULL;
    const Py_ssize_t size = partials ? PyTuple_GET_SIZE(partials) : 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *operand = PyTuple_GET_ITEM(left, i), *partial = PyTuple_GET_ITEM(partials, i);
        if (partial == Py_None)
            continue;
        if (Py_TYPE(operand) == vector_type) { /* 0 x infinity must not reach what was not taken */
            if (!isfinite(adjoint) || !PyTuple_CheckExact(partial) || !add_to_vector((Vector *)operand, partial, adjoint))
                return false;
        }
        else if (PyFloat_CheckExact(partial))
            add(operand, PyFloat_AS_DOUBLE(partial) * adjoint);
        else
            return false;
    }
    return true;
}

/* The adjoints of all that `root` depends on, the numbered steps of `sweep`; false where something is not plain. */
static bool sweep(PyObject *root, double seed)
{
    if (!walk(root))
        return false;
    for (size_t i = 0; i < listed; i++)
        order[i].adjoint = absent.number;
    order[((Base *)root)->place - 1].adjoint = seed;
    for (size_t i = listed; i--;) {
        Base *node = order[i].node;
        const bool reached = !is_none(node->left) && !is_absent(order[i].adjoint);
        if (Py_TYPE(node) == vector_type ? !hand_on((Vector *)node) : reached && !hand_on_from((Node *)node, order[i].adjoint))
            return false;
    }
    return true;
}

/* Value.backward: set the adjoints as the gradients of gates, add them to those of leaves; 0 where nothing arrived. */
static PyObject *fast_backward(const Gate *Py_UNUSED(gate), PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *root = arguments[0], *path;
    if (holders || count > 2 || !is_node(root) || !(((Base *)root)->has & DATA) || is_none(((Node *)root)->primitive) ||
        (count == 2 && !PyFloat_CheckExact(arguments[1])) || !(path = plain_path()))
        return NULL;
    Py_DECREF(path);
    const bool fine = sweep(root, count == 2 ? PyFloat_AS_DOUBLE(arguments[1]) : 1.0);
    for (size_t i = 0; fine && i < listed; i++) {
        Node *node = (Node *)order[i].node;
        if (Py_TYPE(node) == vector_type)
            continue;
        const double adjoint = is_absent(order[i].adjoint) ? 0.0 : order[i].adjoint;
        const bool leaf = is_none(node->base.left), blank = !(node->base.has & GRAD) || node->grad == 0.0;
        node->grad = leaf ? (blank ? 0.0 : node->grad) + adjoint : adjoint;
        node->base.has |= GRAD;
    }
    forget();
    return fine ? Py_NewRef(Py_None) : NULL;
}

/* ---- functions of Python with a short way in C -------------------------------------------------------------------- */

typedef struct { /* it lives as long as the table: what it refers to is never given back */
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *function, *attributes;
    PyObject *(*fast)(const Gate *, PyObject *const *, Py_ssize_t); /* what does the same for what is plain */
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

static PyObject *quick_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return is_none(object) ? Py_NewRef(self) : PyMethod_New(self, object);
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

/* Value(3.0) and Value(3.0, "x"), which need nothing of `Value.__init__`. */
static PyObject *new_leaf(PyObject *type, PyObject *const *arguments, size_t count, PyObject *keywords)
{
    double data;
    const Py_ssize_t given = keywords ? 0 : PyVectorcall_NARGS(count);
    const bool named = given == 2 && PyUnicode_CheckExact(arguments[1]);
    PyObject *path = given == 1 || named ? plain_path() : NULL;
    PyObject *number = path ? read_operand(arguments[0], NULL, &data) : NULL;
    Node *leaf = number ? new_node((PyTypeObject *)type) : NULL;
    Py_XDECREF(path);
    Py_XDECREF(number);
    if (!leaf) {
        PyErr_Clear(); /* an int beyond floats: Python says so */
        return PyObject_Vectorcall(make, arguments, count, keywords);
    }
    leaf->data = data;
    leaf->base.has = DATA;
    leaf->name = named ? Py_NewRef(arguments[1]) : NULL;
    return (PyObject *)leaf;
}

#define SLOT(name, slot) {Py_nb_##slot, name##_operator},
#define power_operator power_of_two_operands /* in the slots */
static PyType_Slot node_slots[] = {
    {Py_tp_dealloc, node_dealloc}, {Py_tp_traverse, node_traverse}, {Py_tp_getset, node_fields},
    {Py_tp_members, node_members}, BINARY_OPERATORS(SLOT) {0, NULL}};
static PyMemberDef vector_members[] = {
    {"members", T_OBJECT, offsetof(Vector, members), READONLY, NULL},
    {"_left", T_OBJECT, offsetof(Base, left), READONLY, NULL}, {"_right", T_OBJECT, offsetof(Base, right), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Vector, weak_references), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyMemberDef quick_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Quick, attributes), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Quick, call), READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyType_Slot vector_slots[] = {
    {Py_tp_new, vector_new}, {Py_tp_dealloc, vector_dealloc}, {Py_tp_members, vector_members}, {0, NULL}};
static PyType_Slot quick_slots[] = {
    {Py_tp_call, PyVectorcall_Call}, {Py_tp_descr_get, quick_get}, {Py_tp_members, quick_members}, {0, NULL}};
static PyType_Spec node_spec = {
    "microgradnn.value.Value", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, node_slots};
static PyType_Spec vector_spec = {"microgradnn.graph.Vector", sizeof(Vector), 0, Py_TPFLAGS_DEFAULT, vector_slots};
static PyType_Spec quick_spec = {
    "microgradnn.native.Quick", sizeof(Quick), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    quick_slots};

/* set_up(context, nothing, make, lookup): what the engine takes from Python; `lookup` gives gates by name. */
static PyObject *set_up(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *lookup;
    if (!PyArg_ParseTuple(arguments, "OOOO", &context, &nothing, &make, &lookup))
        return NULL;
    Py_INCREF(arguments); /* and with it what is in it */
    one = PyFloat_FromDouble(1.0);
    for (size_t i = 0; one && i < COUNT; i++)
        if (!(gates[i].primitive = PyObject_CallFunction(lookup, "s", gates[i].name)))
            return NULL;
    return one ? Py_NewRef(Py_None) : NULL;
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
    {"set_paths", set_paths, METH_VARARGS, NULL}, {"trace_with", trace_with, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    plain = (PyTypeObject *)PyType_FromSpec(&node_spec);
    vector_type = (PyTypeObject *)PyType_FromSpec(&vector_spec);
    quick_type = (PyTypeObject *)PyType_FromSpec(&quick_spec);
    if (!module || !plain || !vector_type || !quick_type || PyModule_AddType(module, plain) < 0 ||
        PyModule_AddType(module, vector_type) < 0 || PyModule_AddType(module, quick_type) < 0)
        return NULL;
    plain->tp_vectorcall = new_leaf;
    return module;
}
