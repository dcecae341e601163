/* Written by `python -m tests.gates_in_c` from the table of primitives; not by hand. */

LIBRARY1(acos)
LIBRARY1(acosh)
LIBRARY1(asin)
LIBRARY1(atanh)
LIBRARY1(cbrt)
LIBRARY1(cos)
LIBRARY1(cosh)
LIBRARY1(erf)
LIBRARY1(erfc)
LIBRARY1(exp)
LIBRARY1(exp2)
LIBRARY1(expm1)
LIBRARY1(log)
LIBRARY1(log10)
LIBRARY1(log1p)
LIBRARY1(log2)
LIBRARY2(pow)
LIBRARY1(sin)
LIBRARY1(sinh)
LIBRARY1(sqrt)
LIBRARY1(tan)
LIBRARY1(tanh)

static inline bool add_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 + x1);
    if (wanted & LEFT) {
        HAND(left, LEFT, 1.0, true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, 1.0, true);
    }
    return fine && isfinite(out);
}

static inline bool subtract_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 - x1);
    if (wanted & LEFT) {
        HAND(left, LEFT, 1.0, true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, (-1.0), true);
    }
    return fine && isfinite(out);
}

static inline bool multiply_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 * x1);
    if (wanted & LEFT) {
        HAND(left, LEFT, x1, true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, x0, true);
    }
    return fine && isfinite(out);
}

static inline bool divide_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = FINITE(x0 / x1);
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / x1), true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, FINITE((-out) / x1), true);
    }
    return fine && isfinite(out);
}

static inline bool power_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = FINITE(libm_pow(x0, x1));
    if (wanted & LEFT) {
        HAND(left, LEFT, (fabs(x1) > 0.0 ? (x1 * FINITE(libm_pow(x0, (x1 - 1.0)))) : (x1 * FINITE(libm_pow((x0 + (x0 == 0.0 ? 1.0 : 0.0)), (x1 - 1.0))))), true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, (FINITE(libm_pow(fabs(x0), x1)) * FINITE(libm_log(x0))), true);
    }
    return fine && isfinite(out);
}

static inline bool negative_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (-x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, (-1.0), true);
    }
    return fine && isfinite(out);
}

static inline bool positive_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (+x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, 1.0, true);
    }
    return fine && isfinite(out);
}

static inline bool abs_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = fabs(x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, (x0 > 0.0 ? 1.0 : (x0 < 0.0 ? (-1.0) : (x0 != x0 ? x0 : 0.0))), true);
    }
    return fine && isfinite(out);
}

static inline bool exp_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_exp(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, out, true);
    }
    return fine && isfinite(out);
}

static inline bool exp2_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_exp2(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, (0.6931471805599453 * out), true);
    }
    return fine && isfinite(out);
}

static inline bool expm1_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_expm1(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(libm_exp(x0)), true);
    }
    return fine && isfinite(out);
}

static inline bool log_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_log(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / x0), true);
    }
    return fine && isfinite(out);
}

static inline bool log2_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_log2(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(1.0 / x0) / 0.6931471805599453), true);
    }
    return fine && isfinite(out);
}

static inline bool log10_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_log10(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(1.0 / x0) / 2.302585092994046), true);
    }
    return fine && isfinite(out);
}

static inline bool log1p_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_log1p(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / (1.0 + x0)), true);
    }
    return fine && isfinite(out);
}

static inline bool sqrt_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_sqrt(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(0.5 / (out + 0.0)), true);
    }
    return fine && isfinite(out);
}

static inline bool cbrt_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_cbrt(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / ((3.0 * out) * out)), true);
    }
    return fine && isfinite(out);
}

static inline bool sin_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_sin(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(libm_cos(x0)), true);
    }
    return fine && isfinite(out);
}

static inline bool cos_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_cos(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, (-FINITE(libm_sin(x0))), true);
    }
    return fine && isfinite(out);
}

static inline bool tan_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_tan(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, (1.0 + (out * out)), true);
    }
    return fine && isfinite(out);
}

static inline bool asin_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_asin(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / FINITE(libm_sqrt(((1.0 - x0) * (1.0 + x0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool acos_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_acos(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE((-1.0) / FINITE(libm_sqrt(((1.0 - x0) * (1.0 + x0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool sinh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_sinh(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(libm_cosh(x0)), true);
    }
    return fine && isfinite(out);
}

static inline bool cosh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_cosh(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(libm_sinh(x0)), true);
    }
    return fine && isfinite(out);
}

static inline bool tanh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_tanh(x0));
    if (wanted & LEFT) {
        const double t2 = (2.0 * x0);
        HAND(left, LEFT, (4.0 * FINITE(FINITE(libm_exp((-fabs(t2)))) / FINITE(libm_pow((1.0 + FINITE(libm_exp((-fabs(t2))))), 2.0)))), true);
    }
    return fine && isfinite(out);
}

static inline bool acosh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_acosh(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(1.0 / FINITE(libm_sqrt((x0 - 1.0)))) / FINITE(libm_sqrt((x0 + 1.0)))), true);
    }
    return fine && isfinite(out);
}

static inline bool atanh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_atanh(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(1.0 / ((1.0 - x0) * (1.0 + x0))), true);
    }
    return fine && isfinite(out);
}

static inline bool erf_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_erf(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, (1.1283791670955126 * FINITE(libm_exp((-(x0 * x0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool erfc_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(libm_erfc(x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((-1.1283791670955126) * FINITE(libm_exp((-(x0 * x0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool sigmoid_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (x0 >= 0.0 ? FINITE(1.0 / (1.0 + FINITE(libm_exp((-x0))))) : FINITE(FINITE(libm_exp(x0)) / (1.0 + FINITE(libm_exp(x0)))));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(libm_exp((-fabs(x0)))) / FINITE(libm_pow((1.0 + FINITE(libm_exp((-fabs(x0))))), 2.0))), true);
    }
    return fine && isfinite(out);
}

static inline bool softplus_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = ((x0 >= 0.0 ? x0 : 0.0) + FINITE(libm_log1p(FINITE(libm_exp((-fabs(x0)))))));
    if (wanted & LEFT) {
        HAND(left, LEFT, (x0 >= 0.0 ? FINITE(1.0 / (1.0 + FINITE(libm_exp((-x0))))) : FINITE(FINITE(libm_exp(x0)) / (1.0 + FINITE(libm_exp(x0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool softsign_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (fabs(x0) != INFINITY ? FINITE(x0 / (1.0 + fabs(x0))) : (x0 > 0.0 ? 1.0 : (-1.0)));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(1.0 / (1.0 + fabs(x0))) / (1.0 + fabs(x0))), true);
    }
    return fine && isfinite(out);
}

static inline bool relu_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (x0 <= 0.0 ? 0.0 : x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, (x0 > 0.0 ? 1.0 : 0.0), !(x0 > 0.0 ? false : true));
    }
    return fine && isfinite(out);
}

static inline bool leaky_relu_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 <= 0.0 ? (x1 * x0) : x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, (x0 > 0.0 ? 1.0 : x1), true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, (x0 > 0.0 ? 0.0 : x0), !(x0 > 0.0 ? true : false));
    }
    return fine && isfinite(out);
}

static inline bool elu_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 <= 0.0 ? (x1 * FINITE(libm_expm1(x0))) : x0);
    if (wanted & LEFT) {
        HAND(left, LEFT, (x0 > 0.0 ? 1.0 : (x1 * FINITE(libm_exp((x0 > 0.0 ? 0.0 : x0))))), true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, (x0 > 0.0 ? 0.0 : FINITE(libm_expm1((x0 > 0.0 ? 0.0 : x0)))), !(x0 > 0.0 ? true : false));
    }
    return fine && isfinite(out);
}

static inline bool gelu_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = ((0.5 * x0) * FINITE(libm_erfc(FINITE((-x0) / 1.4142135623730951))));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((0.5 * FINITE(libm_erfc(FINITE((-x0) / 1.4142135623730951)))) + FINITE((x0 * FINITE(libm_exp((((-0.5) * x0) * x0)))) / 2.5066282746310002)), true);
    }
    return fine && isfinite(out);
}

static inline bool silu_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (x0 * (x0 >= 0.0 ? FINITE(1.0 / (1.0 + FINITE(libm_exp((-x0))))) : FINITE(FINITE(libm_exp(x0)) / (1.0 + FINITE(libm_exp(x0))))));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((x0 >= 0.0 ? FINITE(1.0 / (1.0 + FINITE(libm_exp((-x0))))) : FINITE(FINITE(libm_exp(x0)) / (1.0 + FINITE(libm_exp(x0))))) + (x0 * FINITE(FINITE(libm_exp((-fabs(x0)))) / FINITE(libm_pow((1.0 + FINITE(libm_exp((-fabs(x0))))), 2.0))))), true);
    }
    return fine && isfinite(out);
}

static inline bool hardtanh_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = (x0 < (-1.0) ? (-1.0) : (x0 > 1.0 ? 1.0 : x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((fabs(x0) - 1.0) > 0.0 ? 0.0 : 1.0), !((fabs(x0) - 1.0) > 0.0 ? true : false));
    }
    return fine && isfinite(out);
}

static inline bool sign_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    UNUSED(wanted);
    const double out = outcome->out = (x0 > 0.0 ? 1.0 : (x0 < 0.0 ? (-1.0) : (x0 != x0 ? x0 : 0.0)));
    return fine && isfinite(out);
}

static inline bool step_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    UNUSED(wanted);
    const double out = outcome->out = (x0 >= 0.0 ? 1.0 : (x0 != x0 ? x0 : 0.0));
    return fine && isfinite(out);
}

static inline bool equal_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(wanted);
    const double out = outcome->out = (x0 == x1 ? 1.0 : 0.0);
    return fine && isfinite(out);
}

static inline bool stop_gradient_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    UNUSED(wanted);
    const double out = outcome->out = (+x0);
    return fine && isfinite(out);
}

static inline bool shift_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = (x0 == x1 ? 0.0 : (x0 - x1));
    if (wanted & LEFT) {
        HAND(left, LEFT, 1.0, true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, (-1.0), true);
    }
    return fine && isfinite(out);
}

static inline bool share_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    const double out = outcome->out = FINITE(x0 / (x0 + x1));
    if (wanted & LEFT) {
        HAND(left, LEFT, FINITE(FINITE(x1 / (x1 + x0)) / (x0 + x1)), true);
    }
    if (wanted & RIGHT) {
        HAND(right, RIGHT, FINITE((-out) / (x0 + x1)), true);
    }
    return fine && isfinite(out);
}

static inline bool logistic_density_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = FINITE(FINITE(libm_exp((-fabs(x0)))) / FINITE(libm_pow((1.0 + FINITE(libm_exp((-fabs(x0))))), 2.0)));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((-out) * FINITE(libm_tanh((0.5 * x0)))), true);
    }
    return fine && isfinite(out);
}

static inline bool one_minus_square_rule(double x0, double x1, int wanted, Outcome *outcome)
{
    bool fine = true;
    UNUSED(x1);
    const double out = outcome->out = ((1.0 - x0) * (1.0 + x0));
    if (wanted & LEFT) {
        HAND(left, LEFT, ((-2.0) * x0), true);
    }
    return fine && isfinite(out);
}

#define GATES(GATE) \
    GATE(add, 2, 0, 0) \
    GATE(subtract, 2, 0, NO_NEUTRAL) \
    GATE(multiply, 2, LEFT | RIGHT, NO_NEUTRAL) \
    GATE(divide, 2, 0, NO_NEUTRAL) \
    GATE(power, 2, RIGHT, NO_NEUTRAL) \
    GATE(negative, 1, 0, NO_NEUTRAL) \
    GATE(positive, 1, 0, NO_NEUTRAL) \
    GATE(abs, 1, 0, NO_NEUTRAL) \
    GATE(exp, 1, 0, NO_NEUTRAL) \
    GATE(exp2, 1, 0, NO_NEUTRAL) \
    GATE(expm1, 1, 0, NO_NEUTRAL) \
    GATE(log, 1, 0, NO_NEUTRAL) \
    GATE(log2, 1, 0, NO_NEUTRAL) \
    GATE(log10, 1, 0, NO_NEUTRAL) \
    GATE(log1p, 1, 0, NO_NEUTRAL) \
    GATE(sqrt, 1, 0, NO_NEUTRAL) \
    GATE(cbrt, 1, 0, NO_NEUTRAL) \
    GATE(sin, 1, 0, NO_NEUTRAL) \
    GATE(cos, 1, 0, NO_NEUTRAL) \
    GATE(tan, 1, 0, NO_NEUTRAL) \
    GATE(asin, 1, 0, NO_NEUTRAL) \
    GATE(acos, 1, 0, NO_NEUTRAL) \
    GATE(sinh, 1, 0, NO_NEUTRAL) \
    GATE(cosh, 1, 0, NO_NEUTRAL) \
    GATE(tanh, 1, 0, NO_NEUTRAL) \
    GATE(acosh, 1, 0, NO_NEUTRAL) \
    GATE(atanh, 1, 0, NO_NEUTRAL) \
    GATE(erf, 1, 0, NO_NEUTRAL) \
    GATE(erfc, 1, 0, NO_NEUTRAL) \
    GATE(sigmoid, 1, 0, NO_NEUTRAL) \
    GATE(softplus, 1, 0, NO_NEUTRAL) \
    GATE(softsign, 1, 0, NO_NEUTRAL) \
    GATE(relu, 1, 0, NO_NEUTRAL) \
    GATE(leaky_relu, 2, LEFT | RIGHT, NO_NEUTRAL) \
    GATE(elu, 2, RIGHT, NO_NEUTRAL) \
    GATE(gelu, 1, 0, NO_NEUTRAL) \
    GATE(silu, 1, 0, NO_NEUTRAL) \
    GATE(hardtanh, 1, 0, NO_NEUTRAL) \
    GATE(sign, 1, 0, NO_NEUTRAL) \
    GATE(step, 1, 0, NO_NEUTRAL) \
    GATE(equal, 2, 0, NO_NEUTRAL) \
    GATE(stop_gradient, 1, 0, NO_NEUTRAL) \
    GATE(shift, 2, 0, NO_NEUTRAL) \
    GATE(share, 2, 0, NO_NEUTRAL) \
    GATE(logistic_density, 1, 0, NO_NEUTRAL) \
    GATE(one_minus_square, 1, 0, NO_NEUTRAL) \

#define BINARY_OPERATORS(OPERATOR) \
    OPERATOR(add, add) \
    OPERATOR(subtract, subtract) \
    OPERATOR(multiply, multiply) \
    OPERATOR(divide, true_divide) \
    OPERATOR(power, power) \

