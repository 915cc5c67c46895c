# awk -v n=INDEX -v h=STEP -f lane_emden.awk: a polytropic star. Integrates the Lane-Emden equation
#     theta'' + (2 / xi) theta' + theta^n = 0,  theta(0) = 1, theta'(0) = 0
# (Chandrasekhar 1939, chapter 4) outwards by fourth-order Runge-Kutta to its surface, the first zero of theta.

function acceleration(xi, theta, slope) {
    return -2 * slope / xi - (theta > 0 || n == 0 ? theta ^ n : 0)
}

BEGIN {
    # The series at the centre carries over the singularity of 2 / xi.
    xi = h
    theta = 1 - xi^2 / 6 + n * xi^4 / 120
    slope = -xi / 3 + n * xi^3 / 30
    steps = 1
    while (theta > 0 && xi < 1000) {
        last_xi = xi; last_theta = theta; last_slope = slope
        k1 = slope;              l1 = acceleration(xi, theta, slope)
        k2 = slope + h / 2 * l1; l2 = acceleration(xi + h / 2, theta + h / 2 * k1, k2)
        k3 = slope + h / 2 * l2; l3 = acceleration(xi + h / 2, theta + h / 2 * k2, k3)
        k4 = slope + h * l3;     l4 = acceleration(xi + h, theta + h * k3, k4)
        theta += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        slope += h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
        xi += h
        steps++
    }
    if (theta > 0) {
        print "no surface within xi = 1000" > "/dev/stderr"
        exit 1
    }
    # Where the last step crosses zero.
    part = last_theta / (last_theta - theta)
    xi = last_xi + part * h
    slope = last_slope + part * (slope - last_slope)
    mass = -xi^2 * slope
    printf "polytrope n=%g: first zero at xi=%.8f after %d steps\n", n, xi, steps
    printf "{\"mass\": %.8f, \"concentration\": %.8f}\n", mass, xi^3 / (3 * mass)
}
