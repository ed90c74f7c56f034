: One side of a gap junction: current into a cell in proportion to the other side's voltage, which is transferred step by step.
NEURON {
    THREADSAFE
    POINT_PROCESS HalfGap
    NONSPECIFIC_CURRENT i
    RANGE g, i, vgap
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
}
PARAMETER {
    g = 0 (uS)
}
ASSIGNED {
    v (mV)
    vgap (mV)
    i (nA)
}
BREAKPOINT {
    i = g * (v - vgap)
}
