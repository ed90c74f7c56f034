//! Coefficients of RODAS, an L-stable Rosenbrock method of order 4(3) in six stages, in the transformed variables
//! `(I / (h gamma) - J) u_i = f(y + sum A_ij u_j) + sum (C_ij / h) u_j`.
//!
//! Source: Hairer & Wanner 1996, Solving Ordinary Differential Equations II, IV.7, and their code `rodas.f`, METH=1.

/// The diagonal coefficient.
pub(crate) const GAMMA: f64 = 0.25;
/// Weights of earlier stages in a stage's argument.
pub(crate) const A: [&[f64]; 5] = [
    &[1.544],
    &[0.946_678_528_081_582_6, 0.255_701_169_898_328_4],
    &[3.314_825_187_068_521, 2.896_124_015_972_201, 0.998_641_913_997_781_7],
    &[1.221_224_509_226_641, 6.019_134_481_288_629, 12.537_083_329_320_87, -0.687_886_036_105_895],
    &[1.221_224_509_226_641, 6.019_134_481_288_629, 12.537_083_329_320_87, -0.687_886_036_105_895, 1.0],
];
/// Weights of earlier stages in a stage's right-hand side, to be divided by the step.
pub(crate) const C: [&[f64]; 5] = [
    &[-5.6688],
    &[-2.430_093_356_833_875, -0.206_359_915_709_191_5],
    &[-0.107_352_905_815_137_5, -9.594_562_251_023_355, -20.470_286_148_096_16],
    &[7.496_443_313_967_647, -10.246_804_314_643_52, -33.999_903_528_199_05, 11.708_908_932_061_6],
    &[
        8.083_246_795_921_522,
        -7.981_132_988_064_893,
        -31.521_594_328_743_71,
        16.319_305_431_231_36,
        -6.058_818_238_834_054,
    ],
];
