/* The reverse sweep: what `graph.order_with_vectors`, `sweep` and `Value.backward` do in Python. */

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
        if (!isfinite(sum)) /* 0 x infinity must not reach what was not taken */
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
        if (Py_TYPE(operand) == vector_type) {
            if (!PyTuple_CheckExact(partial) || !add_to_vector((Vector *)operand, partial, adjoint))
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
