use super::*;
use crate::rng::StreamKey;

#[test]
fn survival_is_that_of_the_literature() {
    // Carslaw and Jaeger: the disc from its middle.
    for (t, s) in [(0.05, 0.98710), (0.1, 0.84836), (0.2, 0.50149), (0.3, 0.28249)] {
        assert!((DISC.survival(t) - s).abs() < 5e-6, "{t}: {}", DISC.survival(t));
    }
    assert!((DISC.survival(0.200_524) - 0.5).abs() < 1e-5);
    // The ball, by images: 1 - 2 / sqrt(pi t) (exp(-1 / (4 t)) + exp(-9 / (4 t)) + ...).
    let t = 0.08;
    let images = math::exp(-0.25 / t) + math::exp(-2.25 / t) + math::exp(-6.25 / t);
    assert!((BALL.survival(t) - (1.0 - 2.0 / (PI * t).sqrt() * images)).abs() < 1e-14);
    // The interval, by images: 1 - 2 erfc(1 / sqrt(4 t)) + 2 erfc(3 / sqrt(4 t)) - ...
    assert!((INTERVAL.survival(0.0625) - (1.0 - 2.0 * 0.004_677_734_981_047_266)).abs() < 1e-12);
}

#[test]
fn tables_of_exits_invert_survival() {
    for passage in [&*INTERVAL, &*DISC, &*BALL] {
        let mut worst: f64 = 0.0;
        for k in 0..40_000 {
            let e = math::exp(-14.0 + 17.5 * f64::from(k) / 40_000.0);
            let t = passage.exit_at(e);
            let back = passage.survival(t);
            let odds = if e < 1.0 { -math::expm1(-e) } else { math::exp(-e) };
            let found = if e < 1.0 { 1.0 - back } else { back };
            worst = worst.max((found / odds - 1.0).abs());
        }
        println!("odds of an exit by then, worst {worst:e} of themselves");
        assert!(worst < 1e-4);
    }
}

#[test]
fn tables_of_places_invert_their_odds() {
    for passage in [&*INTERVAL, &*DISC, &*BALL] {
        let mut worst: f64 = 0.0;
        for k in 0..200 {
            let t = math::exp(-4.15 + 4.3 * f64::from(k) / 200.0);
            for j in 1..200 {
                let u = f64::from(j) / 200.0;
                let x = passage.place_at(t, u);
                let odds = passage.within(&passage.waves(x), t) / passage.survival(t);
                worst = worst.max((odds - (1.0 - u)).abs());
            }
        }
        println!("odds to be farther out, worst {worst:e}");
        assert!(worst < 1e-3);
    }
}

#[test]
fn draws_have_the_right_means() {
    // Mean exit times 1/2, 1/4 and 1/6; mean squares of places 2 t, 4 t and 6 t while the border is far. 2e5 draws, 6 standard errors.
    let n = 200_000;
    let mut draws = StreamKey::new(1, 0, 0, 0).at(0, 0);
    for (passage, exit, square_rate) in [(&*INTERVAL, 0.5, 2.0), (&*DISC, 0.25, 4.0), (&*BALL, 1.0 / 6.0, 6.0)] {
        let times: Vec<f64> = (0..n).map(|_| passage.exit(&mut draws)).collect();
        let mean = times.iter().sum::<f64>() / f64::from(n);
        let sd = (times.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>() / f64::from(n)).sqrt();
        println!("mean exit {mean} of {exit}");
        assert!((mean - exit).abs() < 6.0 * sd / f64::from(n).sqrt());
        let t = 0.02;
        let square = (0..n).map(|_| passage.place(t, &mut draws)).map(|x| x * x).sum::<f64>() / f64::from(n);
        println!("mean square {square} of {}", square_rate * t);
        assert!((square / (square_rate * t) - 1.0).abs() < 6.0 * 1.5 / f64::from(n).sqrt());
    }
}

#[test]
fn directions_in_space_are_even() {
    // Mean and mean square of each coordinate: 0 and 1/3. 2e5 draws, 6 standard errors.
    let n = 200_000;
    let mut draws = StreamKey::new(2, 0, 0, 0).at(0, 0);
    let (mut sum, mut square) = ([0.0; 3], [0.0; 3]);
    for _ in 0..n {
        for (k, x) in direction_in_space(&mut draws).into_iter().enumerate() {
            sum[k] += x;
            square[k] += x * x;
        }
    }
    for k in 0..3 {
        assert!(sum[k].abs() < 6.0 * (f64::from(n) / 3.0).sqrt());
        assert!((square[k] - f64::from(n) / 3.0).abs() < 6.0 * (f64::from(n) * 4.0 / 45.0).sqrt());
    }
}
