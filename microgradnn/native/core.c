/* The engine in C: nodes, recording, the reverse sweep, layers of dot gates.

   It does what `value`, `recorders`, `sweep` and `vectors` do, to the last bit, for what is plain: Values themselves, not of
   a subclass; floats and ints beside them; a context that asks for nothing but a path; numbers that are finite. All else is
   "not plain", which is told by NULL without an exception, or by false, and Python does it. No rule of calculus stands
   here: those of the gates are in gates.h, which is written from the table. The files stand in the order in which they are
   included below.

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
static int64_t home; /* the interpreter that loaded the engine: its types and gates are those of one interpreter */
static int holders; /* that add gradients up in Python, where other threads may run meanwhile */

#include "node.h"
#include "recording.h"
#include "layers.h"
#include "sweep.h"

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

static PyObject *quick_repr(PyObject *self) { return PyObject_Repr(((Quick *)self)->function); }

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
    {Py_tp_call, PyVectorcall_Call}, {Py_tp_descr_get, quick_get}, {Py_tp_repr, quick_repr},
    {Py_tp_members, quick_members}, {0, NULL}};
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

static PyObject *is_home(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(PyInterpreterState_GetID(PyInterpreterState_Get()) == home);
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
    {"set_paths", set_paths, METH_VARARGS, NULL}, {"trace_with", trace_with, METH_O, NULL},
    {"is_home", is_home, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    home = PyInterpreterState_GetID(PyInterpreterState_Get());
    plain = (PyTypeObject *)PyType_FromSpec(&node_spec);
    vector_type = (PyTypeObject *)PyType_FromSpec(&vector_spec);
    quick_type = (PyTypeObject *)PyType_FromSpec(&quick_spec);
    if (!module || !plain || !vector_type || !quick_type || PyModule_AddType(module, plain) < 0 ||
        PyModule_AddType(module, vector_type) < 0 || PyModule_AddType(module, quick_type) < 0)
        return NULL;
    plain->tp_vectorcall = new_leaf;
    return module;
}
