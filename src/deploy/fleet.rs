//! Many environments side by side. One that fails does not hide the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most environments that are worked on at once. Each reads its own account, with calls side by side of its own.
pub const AT_ONCE: usize = 8;

/// Works on every item, at most `at_once` at a time, and returns the results in the order of the items. Work that
/// panics is told as such.
pub fn side_by_side<Item: Sync, Done: Send>(
    items: &[Item],
    at_once: usize,
    work: impl Fn(&Item) -> Done + Sync,
    panicked: impl Fn(&Item) -> Done,
) -> Vec<Done> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Done)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(item))) else {
                        continue;
                    };
                    done.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    let mut done = done.into_iter().peekable();
    items
        .iter()
        .enumerate()
        .map(|(index, item)| match done.next_if(|(at, _)| *at == index) {
            Some((_, result)) => result,
            None => panicked(item),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_keep_their_order_and_few_run_at_once() {
        let items: Vec<usize> = (0..40).collect();
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = side_by_side(
            &items,
            4,
            |item| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // The first ones take longest.
                std::thread::sleep(Duration::from_millis(if *item < 4 { 20 } else { 2 }));
                running.fetch_sub(1, Ordering::SeqCst);
                assert!(item % 7 != 3, "of no use");
                Some(*item)
            },
            |_| None,
        );
        let expected: Vec<Option<usize>> = items
            .iter()
            .map(|item| (item % 7 != 3).then_some(*item))
            .collect();
        assert_eq!(results, expected);
        assert_eq!(most.into_inner(), 4);
        let none: Vec<()> = side_by_side(&[] as &[usize], 4, |_| (), |_| ());
        assert!(none.is_empty());
    }
}
