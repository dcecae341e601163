/* The tape of a function that is traced: the plain way of Tracer.record in compiler/tracing.py, which says what it does.

   Not plain are a Value from elsewhere, a number of another kind, a second call that does something else: then Python
   is asked, which knows what to say. `core.c` includes this file. */

/* What trace_with was given: the tracer at work and where it writes; what an `earlier` call met, or None. */
enum { TRACER, TRACED, PARAMS, LEAVES, WRITE, LINES, PATHS, KEYS, MET, ATOMS, EARLIER_MET, EARLIER_ATOMS, NOTE, SOURCES,
       NUMBERS, OURS, RULED, DISTINCT };
static PyObject *in_use; /* the pen; whoever writes keeps the one that it began with, as another thread may trace meanwhile */
static Py_ssize_t atom_place, tracer_place; /* in a Traced */
#define PEN(name) PyTuple_GET_ITEM(pen, name)
#define AT(object, place) (*(PyObject **)((char *)(object) + (place)))

/* trace_with(pen): gates of its tracer are written from now on; of none where it is None. */
static PyObject *trace_with(PyObject *Py_UNUSED(module), PyObject *given)
{
    for (int i = 0; given != Py_None && i < 2; i++) {
        PyObject *slot = PyObject_GetAttrString(PyTuple_GET_ITEM(given, TRACED), i ? "tracer" : "atom");
        *(i ? &tracer_place : &atom_place) = ((PyMemberDescrObject *)slot)->d_member->offset;
        Py_DECREF(slot);
    }
    Py_XSETREF(in_use, given == Py_None ? NULL : Py_NewRef(given));
    Py_RETURN_NONE;
}

/* What Sources.note does, which is called for a line that it does not know. */
static bool note(PyObject *pen)
{
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef((PyObject *)PyEval_GetFrame());
    PyObject *inside = Py_True, *line = NULL, *number = NULL, *done;
    while (frame && inside == Py_True) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if ((inside = PyDict_GetItem(PEN(OURS), code->co_filename)) == Py_True)
            Py_SETREF(frame, PyFrame_GetBack(frame));
        else if (inside && (line = Py_BuildValue("Oi", code->co_filename, PyFrame_GetLineNumber(frame))))
            number = PyDict_GetItem(PEN(SOURCES), line);
        Py_DECREF(code);
    }
    Py_XDECREF(frame);
    Py_XDECREF(line);
    if (number)
        return PyList_Append(PEN(NUMBERS), number) == 0;
    Py_XDECREF(done = PyObject_CallOneArg(PEN(NOTE), (PyObject *)PyEval_GetFrame()));
    return done;
}

/* The atom of a line: what Tape.write does, which is called for gates that it may simplify. */
static PyObject *written(PyObject *pen, PyObject *gate, PyObject *atoms, PyObject *line, PyObject *path, Py_ssize_t constants)
{
    const Py_ssize_t count = PyList_GET_SIZE(PEN(LINES));
    PyObject *out;
    if (constants == PyTuple_GET_SIZE(atoms) || PySet_Contains(PEN(RULED), gate))
        out = PyObject_CallFunctionObjArgs(PEN(WRITE), gate, atoms, path, NULL);
    else {
        PyObject *key = constants ? Py_BuildValue("ON", gate, PyObject_CallOneArg(PEN(DISTINCT), atoms)) : Py_NewRef(line);
        PyObject *next = PyLong_FromSsize_t(PyLong_AsSsize_t(PEN(LEAVES)) + count);
        out = key && next ? Py_XNewRef(PyDict_SetDefault(PEN(KEYS), key, next)) : NULL;
        if (out && out == next && (PyList_Append(PEN(LINES), line) || PyList_Append(PEN(PATHS), path)))
            Py_CLEAR(out);
        Py_XDECREF(key);
        Py_XDECREF(next);
    }
    if (out && PyList_GET_SIZE(PEN(LINES)) > count && !note(pen))
        Py_CLEAR(out);
    return out;
}

/* The atom of the line that the first call met in this place, if it is the same to the bit; else NULL. */
static PyObject *met_before(PyObject *pen, PyObject *gate, PyObject *atoms, Py_ssize_t place)
{
    PyObject *line = place < PyList_GET_SIZE(PEN(EARLIER_MET)) ? PyList_GET_ITEM(PEN(EARLIER_MET), place) : NULL;
    PyObject *before = line && PyTuple_GET_ITEM(line, 0) == gate ? PyTuple_GET_ITEM(line, 1) : NULL;
    bool same = before && PyTuple_GET_SIZE(before) == PyTuple_GET_SIZE(atoms);
    for (Py_ssize_t i = 0; same && i < PyTuple_GET_SIZE(atoms); i++) {
        PyObject *x = PyTuple_GET_ITEM(atoms, i), *y = PyTuple_GET_ITEM(before, i);
        same = Py_TYPE(x) == Py_TYPE(y) && (PyFloat_CheckExact(x) ? !memcmp(&((PyFloatObject *)x)->ob_fval,
                   &((PyFloatObject *)y)->ob_fval, sizeof(double)) : PyObject_RichCompareBool(x, y, Py_EQ));
    }
    return same ? Py_NewRef(PyList_GET_ITEM(PEN(EARLIER_ATOMS), place)) : NULL;
}

/* The atom of a plain operand, borrowed; else NULL. */
static PyObject *atom_of(PyObject *pen, PyObject *x)
{
    if (Py_IS_TYPE(x, (PyTypeObject *)PEN(TRACED)))
        return AT(x, tracer_place) == PEN(TRACER) ? AT(x, atom_place) : NULL;
    return PyFloat_CheckExact(x) ? x : PyObject_TypeCheck(x, plain) ? PyDict_GetItem(PEN(PARAMS), x) : NULL;
}

/* The Traced of a gate while a function is traced; NULL, without an exception, for what is not plain. */
static PyObject *record_traced(PyObject *gate, PyObject *const *operands, Py_ssize_t count)
{
    PyObject *pen = Py_XNewRef(in_use), *here = NULL, *atoms = NULL, *numbers = NULL, *line = NULL, *out = NULL;
    Py_ssize_t constants = 0;
    Node *node = NULL;
    if (!pen || PyContextVar_Get(context, NULL, &here) < 0 || !PyTuple_Check(here) ||
        PyTuple_GET_ITEM(here, 0) != Py_True || PyTuple_GET_ITEM(here, 3) != PEN(TRACER))
        goto done;
    if (!(atoms = PyTuple_New(count)) || !(numbers = PyTuple_New(count)) || !(line = PyTuple_Pack(2, gate, atoms)))
        goto done;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *x = operands[i], *atom;
        x = PyLong_CheckExact(x) ? PyFloat_FromDouble(PyLong_AsDouble(x)) : Py_NewRef(x);
        PyTuple_SET_ITEM(numbers, i, x);
        if (PyErr_Occurred() || !(atom = atom_of(pen, x))) { /* an int that is too large, or not plain */
            PyErr_Clear();
            goto done;
        }
        constants += PyFloat_CheckExact(atom);
        PyTuple_SET_ITEM(atoms, i, Py_NewRef(atom));
    }
    out = PEN(EARLIER_MET) == Py_None ? written(pen, gate, atoms, line, PyTuple_GET_ITEM(here, 2), constants)
                                      : met_before(pen, gate, atoms, PyList_GET_SIZE(PEN(ATOMS)));
    if (!out || PyList_Append(PEN(ATOMS), out) || (PEN(EARLIER_MET) == Py_None && PyList_Append(PEN(MET), line)))
        goto done;
    if ((node = (Node *)((PyTypeObject *)PEN(TRACED))->tp_alloc((PyTypeObject *)PEN(TRACED), 0))) {
        AT(node, atom_place) = Py_NewRef(out);
        AT(node, tracer_place) = Py_NewRef(PEN(TRACER));
        node->primitive = Py_NewRef(gate);
        node->base.left = Py_NewRef(count > 2 ? numbers : PyTuple_GET_ITEM(numbers, 0));
        node->base.right = count == 2 ? Py_NewRef(PyTuple_GET_ITEM(numbers, 1)) : NULL;
    }
done:
    Py_XDECREF(pen), Py_XDECREF(here), Py_XDECREF(atoms), Py_XDECREF(numbers), Py_XDECREF(line), Py_XDECREF(out);
    return (PyObject *)node;
}

/* A gate of operands of which one is not a plain node. */
static PyObject *gate_of(PyObject *gate, PyObject *const *operands, Py_ssize_t count)
{
    PyObject *node = record_traced(gate, operands, count);
    return node || PyErr_Occurred() ? node : PyObject_Vectorcall(gate, operands, count, NULL);
}
