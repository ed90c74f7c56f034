//! Physical constants, once, in the coherent set of Bouton: ms, um, mV, pA, amol, K (so fC, aJ, mM).
//!
//! CODATA 2018; the first three are exact by the SI of 2019.

/// Faraday's constant, 96485.33212 C/mol, in fC/amol.
pub const FARADAY: f64 = 96.485_332_12;
/// The gas constant, 8.314462618 J/mol/K, in aJ/amol/K (1 aJ = 1 fC mV).
pub const GAS_CONSTANT: f64 = 8.314_462_618;
/// Molecules per amol: 6.02214076e23 /mol.
pub const AVOGADRO: f64 = 602_214.076;
/// 0 degC in K.
pub const ZERO_CELSIUS: f64 = 273.15;
