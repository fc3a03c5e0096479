//! Lattices of integer functions: where the factors of a table are looked for.
//!
//! The terms of one weight, as a function of the activation, are a combination of the factors `f_k`, so that
//! these are short vectors of the lattice of all integer functions in the rows' span. A reduced basis of it
//! (Lenstra, Lenstra and Lovasz 1982) finds factors that no row shows, as those of random sums are.

/// Reductions in which Lovasz's condition fails, past which a lattice is given up.
const MOST_SWAPS: usize = 4096;

/// Lovasz's constant.
const DELTA: f64 = 0.99;

/// A prime that divides hardly any determinant.
const LARGE: i64 = (1 << 31) - 1;

/// How the length of functions is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// By their squares' sum.
    Norm,
    /// By their variance: constants do not matter.
    Variance,
}

/// The basis of a lattice of functions over a few operands, each the shorter the earlier.
#[derive(Debug, Clone)]
pub(super) struct Lattice {
    basis: Vec<Vec<i64>>,
    /// Scalar products of the basis.
    gram: Vec<Vec<i128>>,
    /// The Gram-Schmidt coefficients of the basis, and what they divide: the squared lengths on the diagonal.
    schmidt: Schmidt,
    length: Length,
    /// Operands that functions are over.
    operands: usize,
}

#[derive(Debug, Clone, Default)]
struct Schmidt {
    mu: Vec<Vec<f64>>,
    r: Vec<Vec<f64>>,
}

impl Lattice {
    /// The lattice that `vectors` span, unless it has more than `most` dimensions.
    pub(super) fn spanned<'a>(
        vectors: impl IntoIterator<Item = &'a Vec<i64>>,
        length: Length,
        most: usize,
    ) -> Option<Self> {
        let (basis, gram, schmidt) = (Vec::new(), Vec::new(), Schmidt::default());
        let mut lattice = Lattice { basis, gram, schmidt, length, operands: 0 };
        for vector in vectors {
            lattice.operands = vector.len();
            if lattice.coordinates(vector).is_none() {
                lattice.insert(primitive(vector))?;
                if lattice.dimensions() > most {
                    return None;
                }
            }
        }
        Some(lattice)
    }

    pub(super) fn dimensions(&self) -> usize {
        self.basis.len()
    }

    pub(super) fn basis(&self) -> &[Vec<i64>] {
        &self.basis
    }

    /// Adds all integer functions that are combinations of the basis with a denominator of small prime factors.
    pub(super) fn saturated(mut self) -> Option<Self> {
        for p in primes() {
            while let Some(coefficients) = self.relation(p) {
                let mut sum = self.combine(&coefficients);
                sum.iter_mut().for_each(|value| *value /= p);
                self.insert(sum)?;
            }
        }
        Some(self)
    }

    /// The integers by which the basis must be multiplied to sum to `vector`, if there are any.
    pub(super) fn coordinates(&self, vector: &[i64]) -> Option<Vec<i64>> {
        let mut rest = vector.to_vec();
        let mut found = vec![0i64; self.dimensions()];
        // What rounding leaves is reduced in turn.
        for _ in 0..4 {
            if rest.iter().all(|&value| value == 0) {
                return Some(found);
            }
            let products: Vec<f64> = self.basis.iter().map(|basis| self.length.of(basis, &rest) as f64).collect();
            for (i, coordinate) in self.schmidt.solve(&products).into_iter().enumerate() {
                let coordinate = coordinate.round() as i64;
                found[i] = found[i].wrapping_add(coordinate);
                subtract(&mut rest, coordinate, &self.basis[i]);
            }
        }
        rest.iter().all(|&value| value == 0).then_some(found)
    }

    /// The sum of the basis times `coefficients`.
    pub(super) fn combine(&self, coefficients: &[i64]) -> Vec<i64> {
        let mut sum = vec![0; self.operands];
        for (&coefficient, basis) in coefficients.iter().zip(&self.basis) {
            subtract(&mut sum, coefficient.wrapping_neg(), basis);
        }
        sum
    }

    /// The dimensions of the span of the basis at some operands alone.
    pub(super) fn rank_at(&self, operands: &[usize]) -> usize {
        self.echelon(LARGE, operands.iter().copied()).len()
    }

    /// Coefficients, not all multiples of `p`, of a combination that is a multiple of `p` everywhere.
    fn relation(&self, p: i64) -> Option<Vec<i64>> {
        let n = self.dimensions();
        let rows = self.echelon(p, 0..self.basis.first().map_or(0, Vec::len));
        let free = (0..n).find(|i| rows.iter().all(|(pivot, _)| pivot != i))?;
        let mut coefficients = vec![0; n];
        coefficients[free] = 1;
        for (pivot, row) in &rows {
            let coefficient = (p - row[free]) % p;
            coefficients[*pivot] = if coefficient > p / 2 { coefficient - p } else { coefficient };
        }
        Some(coefficients)
    }

    /// The reduced echelon form, modulo `p`, of what the basis is at `operands`, each row behind its pivot's place.
    fn echelon(&self, p: i64, operands: impl IntoIterator<Item = usize>) -> Vec<(usize, Vec<i64>)> {
        let mut rows: Vec<(usize, Vec<i64>)> = Vec::new();
        for operand in operands {
            if rows.len() == self.dimensions() {
                break;
            }
            let mut column: Vec<i64> = self.basis.iter().map(|basis| basis[operand].rem_euclid(p)).collect();
            for (pivot, row) in &rows {
                let factor = column[*pivot];
                eliminate(&mut column, factor, row, p);
            }
            let Some(pivot) = column.iter().position(|&value| value != 0) else { continue };
            let inverse = power(column[pivot], p - 2, p);
            column.iter_mut().for_each(|value| *value = *value * inverse % p);
            for (_, row) in &mut rows {
                let factor = row[pivot];
                eliminate(row, factor, &column, p);
            }
            rows.push((pivot, column));
        }
        rows
    }

    /// Adds `vector` to what the basis spans; `None` where that takes too long.
    fn insert(&mut self, vector: Vec<i64>) -> Option<()> {
        let mut products: Vec<i128> = self.basis.iter().map(|basis| self.length.of(basis, &vector)).collect();
        for (row, &product) in self.gram.iter_mut().zip(&products) {
            row.push(product);
        }
        products.push(self.length.of(&vector, &vector));
        self.gram.push(products);
        self.basis.push(vector);
        self.reduce()
    }

    /// Reduces the basis, of which the vectors may depend on each other until then.
    fn reduce(&mut self) -> Option<()> {
        let (mut k, mut swaps) = (0, 0);
        while k < self.dimensions() {
            self.reduce_size(k)?;
            if self.gram[k][k] == 0 {
                self.remove(k);
                continue;
            }
            let r = &self.schmidt.r;
            if k > 0 && r[k][k] < (DELTA - self.schmidt.mu[k][k - 1].powi(2)) * r[k - 1][k - 1] {
                self.swap(k);
                k -= 1;
                swaps += 1;
                if swaps > MOST_SWAPS {
                    return None;
                }
            } else {
                k += 1;
            }
        }
        Some(())
    }

    /// Subtracts multiples of the vectors before `k` from that one, until none makes it shorter.
    fn reduce_size(&mut self, k: usize) -> Option<()> {
        for _ in 0..64 {
            self.schmidt.update(&self.gram, k);
            let mut is_reduced = true;
            for j in (0..k).rev() {
                let multiple = self.schmidt.mu[k][j].round();
                // Rounding must not send a reduced vector back and forth.
                if self.schmidt.mu[k][j].abs() <= 0.501 {
                    continue;
                }
                is_reduced = false;
                for i in 0..j {
                    self.schmidt.mu[k][i] -= multiple * self.schmidt.mu[j][i];
                }
                self.schmidt.mu[k][j] -= multiple;
                self.subtract(k, multiple as i64, j);
            }
            if is_reduced {
                return Some(());
            }
        }
        None
    }

    fn subtract(&mut self, k: usize, multiple: i64, j: usize) {
        let (before, after) = self.basis.split_at_mut(k);
        subtract(&mut after[0], multiple, &before[j]);
        let multiple = i128::from(multiple);
        for i in 0..self.gram.len() {
            let product = self.gram[k][i].wrapping_sub(multiple.wrapping_mul(self.gram[j][i]));
            self.gram[k][i] = product;
        }
        for i in 0..self.gram.len() {
            let product = self.gram[i][k].wrapping_sub(multiple.wrapping_mul(self.gram[i][j]));
            self.gram[i][k] = product;
        }
    }

    fn swap(&mut self, k: usize) {
        self.basis.swap(k - 1, k);
        self.gram.swap(k - 1, k);
        self.gram.iter_mut().for_each(|row| row.swap(k - 1, k));
    }

    fn remove(&mut self, k: usize) {
        self.basis.remove(k);
        self.gram.remove(k);
        for row in &mut self.gram {
            row.remove(k);
        }
    }
}

impl Schmidt {
    /// Computes the row of vector `k` from those before it.
    fn update(&mut self, gram: &[Vec<i128>], k: usize) {
        self.mu.resize(self.mu.len().max(k + 1), Vec::new());
        self.r.resize(self.r.len().max(k + 1), Vec::new());
        let (mut mu, mut r) = (vec![0.0; k + 1], vec![0.0; k + 1]);
        for j in 0..=k {
            r[j] = gram[k][j] as f64;
            for i in 0..j {
                r[j] -= r[i] * if j == k { mu[i] } else { self.mu[j][i] };
            }
            mu[j] = if j == k { 1.0 } else { r[j] / self.r[j][j] };
        }
        self.mu[k] = mu;
        self.r[k] = r;
    }

    /// The coefficients of a combination of which the scalar products with the basis are `products`.
    fn solve(&self, products: &[f64]) -> Vec<f64> {
        let mut solution = products.to_vec();
        let n = products.len();
        for k in 0..n {
            for i in 0..k {
                solution[k] -= self.mu[k][i] * solution[i];
            }
        }
        for k in (0..n).rev() {
            solution[k] /= self.r[k][k];
            for i in k + 1..n {
                solution[k] -= self.mu[i][k] * solution[i];
            }
        }
        solution
    }
}

impl Length {
    /// A multiple of the scalar product: of the covariance, for variances.
    fn of(self, a: &[i64], b: &[i64]) -> i128 {
        let product: i128 = a.iter().zip(b).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum();
        match self {
            Length::Norm => product,
            Length::Variance => {
                let sum = |values: &[i64]| i128::from(values.iter().sum::<i64>());
                product * a.len() as i128 - sum(a) * sum(b)
            }
        }
    }
}

/// The greatest common divisor; 0 of zeros alone.
pub(super) fn gcd(values: impl IntoIterator<Item = i64>) -> i64 {
    let mut gcd = 0u64;
    for value in values {
        let (mut a, mut b) = (gcd, value.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        gcd = a;
        if gcd == 1 {
            break;
        }
    }
    gcd as i64
}

/// The smallest and the largest of some values.
pub(super) fn extremes(values: &[i64]) -> (i64, i64) {
    values.iter().fold((i64::MAX, i64::MIN), |(min, max), &value| (min.min(value), max.max(value)))
}

/// `vector` without the factor that all its values share.
fn primitive(vector: &[i64]) -> Vec<i64> {
    let gcd = gcd(vector.iter().copied()).max(1);
    vector.iter().map(|value| value / gcd).collect()
}

fn subtract(from: &mut [i64], multiple: i64, vector: &[i64]) {
    for (value, &other) in from.iter_mut().zip(vector) {
        *value = value.wrapping_sub(multiple.wrapping_mul(other));
    }
}

fn eliminate(from: &mut [i64], multiple: i64, row: &[i64], p: i64) {
    if multiple != 0 {
        for (value, &other) in from.iter_mut().zip(row) {
            *value = (*value + (p - multiple) * other) % p;
        }
    }
}

fn power(base: i64, exponent: i64, p: i64) -> i64 {
    let (mut result, mut base, mut exponent) = (1, base, exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % p;
        }
        base = base * base % p;
        exponent >>= 1;
    }
    result
}

/// The primes below 1024.
fn primes() -> impl Iterator<Item = i64> {
    (2..1024).filter(|&n| (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0))
}

#[cfg(test)]
mod tests;
