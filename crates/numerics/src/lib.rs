//! Mathematics without biology: lanes, exp and ln, random numbers, linear solvers, Markov generators, jumps.
