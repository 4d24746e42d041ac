//! What samples come to: median, quartiles, and an interval for the median.

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use statrs::statistics::{Data, Max, Median, Min, OrderStatistics};

/// How sure it is that the true median is in the interval, in percent.
pub const CONFIDENCE: f64 = 99.0;

/// Fewer samples have no interval.
const FEWEST: usize = 5;

/// How often samples are drawn anew.
const DRAWS: usize = 2000;

/// The median, and the lower and the upper quartile.
pub(super) fn median_and_quartiles(samples: Vec<f64>) -> (f64, f64, f64) {
    let mut data = Data::new(samples);
    let (min, max, median) = (data.min(), data.max(), data.median());
    // The estimator extrapolates below the smallest of very few samples.
    let low = data.lower_quartile().clamp(min, median);
    let high = data.upper_quartile().clamp(median, max);
    (median, low, high)
}

/// The interval of the medians of samples that are drawn from these, with replacement: the percentile bootstrap.
/// `None` for too few samples. The same for the same samples.
pub(super) fn interval(samples: &[f64]) -> Option<[f64; 2]> {
    if samples.len() < FEWEST {
        return None;
    }
    let rng = &mut SmallRng::seed_from_u64(0x1e57);
    let mut drawn = vec![0.0; samples.len()];
    let mut medians: Vec<f64> = (0..DRAWS)
        .map(|_| {
            drawn.fill_with(|| samples[rng.random_range(0..samples.len())]);
            drawn.sort_by(f64::total_cmp);
            let middle = drawn.len() / 2;
            if drawn.len() % 2 == 1 {
                drawn[middle]
            } else {
                (drawn[middle - 1] + drawn[middle]) / 2.0
            }
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let outside = (1.0 - CONFIDENCE / 100.0) / 2.0 * DRAWS as f64;
    let (low, high) = (outside.floor() as usize, (DRAWS as f64 - outside).ceil() as usize - 1);
    Some([medians[low], medians[high]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_enclose_the_median() {
        for samples in [vec![1.0], vec![2.0, 1.0], vec![5.0, 1.0, 3.0, 2.0, 4.0]] {
            let (median, low, high) = median_and_quartiles(samples);
            assert!(low <= median && median <= high);
        }
        assert_eq!(median_and_quartiles(vec![5.0, 1.0, 3.0, 2.0, 4.0]).0, 3.0);
    }

    #[test]
    fn the_interval_encloses_the_median_and_grows_with_the_spread() {
        let of = |step: f64| (0..31).map(|i| 100.0 + f64::from(i % 7) * step).collect::<Vec<f64>>();
        let [narrow, wide] = [0.1, 10.0].map(|step| interval(&of(step)).unwrap());
        assert!(narrow[0] <= 100.3 && 100.3 <= narrow[1]);
        assert!(wide[1] - wide[0] > 50.0 * (narrow[1] - narrow[0]));
        assert_eq!(interval(&[1.0; 4]), None);
        assert_eq!(interval(&[2.0; 9]), Some([2.0, 2.0]));
    }

    /// Of samples from one distribution, whose median is known, nearly all intervals contain it.
    #[test]
    fn the_interval_is_as_sure_as_it_says() {
        let rng = &mut SmallRng::seed_from_u64(7);
        let contains = |_| {
            let samples: Vec<f64> = (0..31).map(|_| rng.random_range(0.0..1.0)).collect();
            let [low, high] = interval(&samples).unwrap();
            low <= 0.5 && 0.5 <= high
        };
        let hits = (0..500).map(contains).filter(|hit| *hit).count();
        assert!(hits >= 485, "{hits} of 500");
    }
}
