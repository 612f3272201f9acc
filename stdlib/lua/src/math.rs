//! `math` (manual, section 5.6).

use solvm_runtime::host::Host;
use solvm_vm::native::{Library, Param, Rest};
use solvm_vm::number::floor;
use solvm_vm::{Call, Dialect, Error, messages};
use std::f64::consts::PI;

/// The library `math`.
pub static LIBRARY: Library = solvm_vm::library!("math" {
    "abs" => number f64::abs,
    "acos" => number f64::acos,
    "asin" => number f64::asin,
    "atan" => number f64::atan,
    "atan2" => atan2,
    "ceil" => number f64::ceil,
    "cos" => number f64::cos,
    "cosh" => number f64::cosh,
    "deg" => number |x| x / (PI / 180.0),
    "exp" => number f64::exp,
    "floor" => number floor,
    "fmod" => fmod,
    "frexp" => frexp,
    "huge" => constant f64::INFINITY,
    "ldexp" => ldexp,
    "log" => log,
    "log10" => number f64::log10,
    "max" => max,
    "min" => min,
    "mod" => fmod,
    "modf" => modf,
    "pi" => constant PI,
    "pow" => pow,
    "rad" => number |x| x * (PI / 180.0),
    "random" => random,
    "randomseed" => random_seed,
    "sin" => number f64::sin,
    "sinh" => number f64::sinh,
    "sqrt" => number f64::sqrt,
    "tan" => number f64::tan,
    "tanh" => number f64::tanh,
});

fn atan2(_: &mut Call, y: f64, x: f64) -> f64 {
    y.atan2(x)
}

fn fmod(_: &mut Call, x: f64, y: f64) -> f64 {
    x % y
}

/// The mantissa in [0.5, 1) and the exponent of a number.
fn frexp(_: &mut Call, x: f64) -> (f64, f64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0.0);
    }
    // Subnormal numbers are scaled up first.
    let (scaled, shift) =
        if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(64), -64) } else { (x, 0) };
    let bits = scaled.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022;
    let mantissa = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
    (mantissa, f64::from(exponent + shift))
}

fn ldexp(_: &mut Call, x: f64, exponent: f64) -> f64 {
    // The scaling happens in steps, so that neither factor overflows before the product does.
    let exponent = (exponent as i32).clamp(-4200, 4200);
    let step = exponent / 4;
    x * 2f64.powi(step) * 2f64.powi(step) * 2f64.powi(step) * 2f64.powi(exponent - 3 * step)
}

fn log(_: &mut Call, x: f64, base: Option<f64>) -> f64 {
    match base {
        None => x.ln(),
        Some(2.0) => x.log2(),
        Some(10.0) => x.log10(),
        Some(base) => x.ln() / base.ln(),
    }
}

/// Folds the arguments, each of which must be a number.
fn fold(call: &mut Call, numbers: Rest, better: fn(f64, f64) -> bool) -> Result<f64, Error> {
    if call.argument_count() == 0 && call.dialect() == Dialect::GopherLua {
        return Err(Error::text(messages::WRONG_NUMBER));
    }
    let mut best = f64::take(call, &mut 0)?;
    for (i, value) in numbers.values(call).enumerate().skip(1) {
        let Some(x) = value.to_number() else {
            return Err(Error::argument(
                i + 1,
                format!("number expected, got {}", value.type_name()),
            ));
        };
        if better(x, best) {
            best = x;
        }
    }
    Ok(best)
}

fn max(call: &mut Call, numbers: Rest) -> Result<f64, Error> {
    fold(call, numbers, |x, best| x > best)
}

fn min(call: &mut Call, numbers: Rest) -> Result<f64, Error> {
    fold(call, numbers, |x, best| x < best)
}

fn modf(_: &mut Call, x: f64) -> (f64, f64) {
    let whole = x.trunc();
    let fraction = if x.is_infinite() { 0.0f64.copysign(x) } else { x - whole };
    (whole, fraction.copysign(x))
}

fn pow(_: &mut Call, x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// The generator of `math.random`: xoshiro256++ (Blackman and Vigna), seeded by splitmix64.
struct Random([u64; 4]);

impl Default for Random {
    fn default() -> Self {
        Random::new(0)
    }
}

impl Random {
    /// Creates a generator from a seed.
    fn new(seed: u64) -> Self {
        let mut state = seed;
        Random(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Returns a number in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn random(call: &mut Call, low: Option<f64>, high: Option<f64>, _rest: Rest) -> Result<f64, Error> {
    if call.argument_count() > 2 {
        return Err(Error::text(messages::WRONG_NUMBER));
    }
    let unit = call.host::<Host>().map_or(0.0, |host| host.state::<Random>().unit());
    let (low, high, last) = match (low, high) {
        (None, _) => return Ok(unit),
        (Some(high), None) => (1.0, high.trunc(), 1),
        (Some(low), Some(high)) => (low.trunc(), high.trunc(), 2),
    };
    if low > high {
        return Err(Error::argument(last, "interval is empty"));
    }
    Ok((unit * (high - low + 1.0)).floor() + low)
}

fn random_seed(call: &mut Call, seed: f64) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Random::new(seed.to_bits());
    }
}
