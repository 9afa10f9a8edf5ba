/** @file The normal distribution and Student's t, to the last digits of a double. */

/** The share of the standard normal distribution below x. */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const tail = z < 2 ? (1 - erf(z)) / 2 : erfc(z) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** By its series of positive terms (DLMF 7.6.2), for small z. */
function erf(z: number): number {
  let [term, total] = [z, z];
  for (let n = 1; term > total * 1e-17; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * total;
}

/** By its continued fraction (DLMF 7.9.3), for z from 2 on. */
function erfc(z: number): number {
  let below = z;
  for (let n = 80; n > 0; n--) below = z + n / 2 / below;
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * below);
}

/** Where a growing function takes a value, by bisection. */
export function solve(grows: (x: number) => number, value: number, low = -10, high = 10): number {
  let [from, to] = [low, high];
  for (let i = 0; i < 60; i++) {
    const middle = (from + to) / 2;
    if (grows(middle) < value) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

/** The value below which a share of Student's t lies, from 1/2 on; without a degree of freedom there is no bound. */
export function studentQuantile(share: number, df: number): number {
  if (!(df > 0)) return Number.POSITIVE_INFINITY;
  let high = 1;
  while (studentCdf(high, df) < share) high *= 2;
  return solve((t) => studentCdf(t, df), share, 0, high);
}

/** The share of Student's t below a value from 0 on: half of the incomplete beta function I_x(df / 2, 1 / 2) lies above it, at x = df / (df + t^2). */
function studentCdf(t: number, df: number): number {
  const a = df / 2;
  const [x, y] = [df / (df + t * t), (t * t) / (df + t * t)];
  const front = (Math.exp(-a * Math.log1p((t * t) / df)) * Math.sqrt(y) * gammaRatio(a)) / Math.sqrt(Math.PI);
  return x < (a + 1) / (a + 2.5)
    ? 1 - (front * betaFraction(a, 0.5, x)) / (2 * a)
    : 0.5 + front * betaFraction(0.5, a, y);
}

/** Gamma(a + 1/2) / Gamma(a), by its asymptotic series behind a few steps of the recurrence. */
function gammaRatio(a: number): number {
  if (a < 20) return (gammaRatio(a + 1) * a) / (a + 0.5);
  return Math.sqrt(a) * Math.exp(-1 / (8 * a) + 1 / (192 * a ** 3) - 1 / (640 * a ** 5) + 17 / (14336 * a ** 7));
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's way. */
function betaFraction(a: number, b: number, x: number): number {
  let [c, d] = [1, 1 / (1 - ((a + b) * x) / (a + 1))];
  let value = d;
  for (let m = 1, change = 0; Math.abs(change - 1) > 1e-16 && m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    [c, d] = [1 + even / c, 1 / (1 + even * d)];
    value *= c * d;
    [c, d] = [1 + odd / c, 1 / (1 + odd * d)];
    change = c * d;
    value *= change;
  }
  return value;
}
