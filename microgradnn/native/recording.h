/* Recording a gate of one operand or of two: what `recorders` writes in Python. */

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
