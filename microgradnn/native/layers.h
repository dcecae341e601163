/* Operands that gates share, and layers of dot gates: what `graph.Vector` and `vectors` do in Python. */

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
    PyObject *members = PySequence_Tuple(given), *first = NULL;
    if (members && PyTuple_GET_SIZE(members))
        first = PyTuple_GET_ITEM(members, 0);
    else if (members)
        PyErr_Format(PyExc_IndexError, "%s index out of range", PyList_Check(given) ? "list" : "tuple");
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
