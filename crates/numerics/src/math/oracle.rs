//! Test oracle: exp, ln and kin in double-double (106 bits), by Taylor series, slow and obvious.
//!
//! Shares no constant and no step with the code it judges; its own relative error is below 2^-95.

use std::sync::LazyLock;

use crate::math;

/// An unevaluated sum hi + lo, |lo| <= ulp(hi)/2. Sources: Dekker (1971); Knuth, TAOCP 2, 4.2.2.
#[derive(Clone, Copy, Debug)]
pub struct Two(pub f64, pub f64);

/// ln 2 to 159 bits.
const LN2: [f64; 3] = [std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17, 5.707_708_438_416_212e-34];

impl Two {
    pub fn from(x: f64) -> Two {
        Two(x, 0.0)
    }

    fn quick(a: f64, b: f64) -> Two {
        let s = a + b;
        Two(s, b - (s - a))
    }

    fn sum(a: f64, b: f64) -> Two {
        let s = a + b;
        let t = s - a;
        Two(s, (a - (s - t)) + (b - t))
    }

    fn product(a: f64, b: f64) -> Two {
        let p = a * b;
        Two(p, f64::mul_add(a, b, -p))
    }

    pub fn add(self, o: Two) -> Two {
        let (s, t) = (Two::sum(self.0, o.0), Two::sum(self.1, o.1));
        let s = Two::quick(s.0, s.1 + t.0);
        Two::quick(s.0, s.1 + t.1)
    }

    pub fn neg(self) -> Two {
        Two(-self.0, -self.1)
    }

    pub fn mul(self, o: Two) -> Two {
        let p = Two::product(self.0, o.0);
        Two::quick(p.0, p.1 + (self.0 * o.1 + self.1 * o.0))
    }

    pub fn div(self, o: Two) -> Two {
        let q = self.0 / o.0;
        let r = self.add(o.mul(Two::from(q)).neg());
        let q2 = r.0 / o.0;
        let r = r.add(o.mul(Two::from(q2)).neg());
        Two::quick(q, q2).add(Two::from(r.0 / o.0))
    }
}

/// e^x - 1 for |x| < 0.4, by its series.
fn expm1_series(x: Two) -> Two {
    // the last term is 0.4^27 / 27! < 2^-128
    static INVERSE_FACTORIALS: LazyLock<[Two; 28]> = LazyLock::new(|| {
        let mut inverse = [Two(1.0, 0.0); 28];
        for k in 1..28 {
            inverse[k] = inverse[k - 1].div(Two::from(k as f64));
        }
        inverse
    });
    let mut sum = Two(0.0, 0.0);
    for inverse in INVERSE_FACTORIALS[1..].iter().rev() {
        sum = x.mul(sum).add(*inverse);
    }
    x.mul(sum)
}

/// e^x = m 2^n as (m, n), n chosen so that m is in [0.7, 1.42].
pub fn exp(x: Two) -> (Two, i32) {
    let n = (x.0 / LN2[0]).round();
    let mut r = x;
    for part in LN2 {
        r = r.add(Two::product(-n, part));
    }
    (expm1_series(r).add(Two::from(1.0)), n as i32)
}

/// e^x - 1 as m 2^n.
pub fn expm1(x: f64) -> (Two, i32) {
    if x.abs() < 0.3 {
        return (expm1_series(Two::from(x)), 0);
    }
    if x < -80.0 {
        return (Two::from(-1.0), 0);
    }
    let (m, n) = exp(Two::from(x));
    // beyond 2^110 the 1 is out of sight
    if n > 110 { (m, n) } else { (m.add(Two::from(-scale(1.0, -n))), n) }
}

/// x / (e^x - 1) as m 2^n.
pub fn exprelr(x: f64) -> (Two, i32) {
    if x.abs() < 1e-150 {
        return (Two::from(1.0), 0);
    }
    let (m, n) = expm1(x);
    (Two::from(x).div(m), -n)
}

/// ln x, by one Newton step from the function under test, whose error it must not inherit: it squares.
pub fn ln(x: f64) -> Two {
    let guess = math::ln(x);
    let (m, n) = exp(Two::from(-guess));
    // x e^-guess - 1, in two scalings so that neither over- nor underflows
    let (k, mantissa) = exponent(x);
    let e = Two::from(mantissa).mul(m);
    let e = Two(scale(e.0, k + n), scale(e.1, k + n)).add(Two::from(-1.0));
    assert!(e.0.abs() < 1e-12, "the guess ln({x:e}) = {guess} is not even close");
    Two::from(guess).add(e).add(Two::from(-0.5 * e.0 * e.0))
}

/// x = mantissa 2^k, mantissa in [1, 2).
pub fn exponent(x: f64) -> (i32, f64) {
    let extra = if x.abs() < f64::MIN_POSITIVE { 64 } else { 0 };
    let x = scale(x, extra);
    let k = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (k - extra, scale(x, -k))
}

/// x 2^n, exact unless it overflows or becomes subnormal.
pub fn scale(x: f64, n: i32) -> f64 {
    let mut x = x;
    let mut left = n;
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        x *= f64::from_bits(((1023 + step) as u64) << 52);
        left -= step;
    }
    x
}

/// How many ulp `got` is from m 2^n: ulp of the exact value's binade, at least 2^-1074. An infinity counts as 2^1024.
pub fn ulps(got: f64, (m, n): (Two, i32)) -> f64 {
    let (k, _) = exponent(m.0);
    let ulp = (k + n - 52).max(-1074) - n;
    let got = if got.is_infinite() { scale(1.0f64.copysign(got), 1000 - n) * scale(1.0, 24) } else { scale(got, -n) };
    scale(((got - m.0) - m.1).abs(), -ulp)
}
