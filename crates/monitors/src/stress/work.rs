//! The stress itself: threads that hold what was taken until they are told to stop, or until its time is over.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use model::{Clock, Entropy, SeededEntropy};

use super::plan::{Plan, Work};
use crate::limits::STRESS_MAX;

/// Name of the file that disk stress writes.
pub const FILE_NAME: &str = "campanile-stress.fill";

/// Smallest page of any machine: one write in each is enough to make it real.
const PAGE: usize = 4096;
/// Rounds of busy work between two looks at the clock: about a millisecond.
const ROUNDS: u32 = 400_000;
/// How often a holding thread looks at the clock; being told to stop wakes it at once.
const LOOK: Duration = Duration::from_millis(250);

/// Stress that is being done. Dropping it ends it and waits until everything is given back (milliseconds).
#[derive(Debug)]
pub struct Stress {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Plan {
    /// Does what the plan says. Blocks while memory is touched or the file is written (a second or so). Fails with
    /// nothing left behind when the system refuses threads, memory or the file.
    pub fn start(&self, clock: Arc<dyn Clock>) -> io::Result<Stress> {
        let until = clock.boot_ms() + STRESS_MAX.0;
        let mut stress = Stress {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let signs = Signs {
            stop: Arc::clone(&stress.stop),
            clock,
            until,
        };
        match &self.work {
            Work::Busy { threads } => {
                for seed in 0..*threads {
                    let signs = signs.clone();
                    stress.spawn(move || busy(&signs, seed))?;
                }
            }
            Work::Hold { bytes } => {
                let held = touched(*bytes)?;
                stress.spawn(move || signs.hold(held))?;
            }
            Work::Fill { folder, bytes } => {
                let held = Filling::write(folder, *bytes)?;
                stress.spawn(move || signs.hold(held))?;
            }
        }
        Ok(stress)
    }
}

impl Stress {
    /// Whether it still goes on; no longer after `limits::STRESS_MAX`.
    pub fn is_running(&self) -> bool {
        self.threads.iter().any(|thread| !thread.is_finished())
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let name = "campanile-stress".to_owned();
        self.threads
            .push(thread::Builder::new().name(name).spawn(work)?);
        Ok(())
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // An error is a panic of that thread: then what it held is gone as well.
            let _panicked = thread.join();
        }
    }
}

/// When to stop.
#[derive(Clone)]
struct Signs {
    stop: Arc<AtomicBool>,
    clock: Arc<dyn Clock>,
    until: i64,
}

impl Signs {
    fn go_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && self.clock.boot_ms() < self.until
    }

    fn hold<T>(&self, held: T) {
        while self.go_on() {
            thread::park_timeout(LOOK);
        }
        drop(held);
    }
}

/// Computes until told to stop, at the lowest priority: the load counts it, the hub goes first.
fn busy(signs: &Signs, seed: u32) {
    // On Linux this is the calling thread's priority only; elsewhere it would be the whole hub's.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(19) {
        tracing::debug!("stress: the priority stays as it is: {error}");
    }
    let numbers = SeededEntropy::new(u64::from(seed));
    while signs.go_on() {
        for _ in 0..ROUNDS {
            black_box(numbers.next_u64());
        }
    }
}

/// Memory that really exists: each page is written, and no two alike, so that no system merges or packs them.
fn touched(bytes: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(size)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    memory.resize(size, 0);
    let noise = SeededEntropy::new(bytes);
    for page in memory.chunks_mut(PAGE) {
        noise.fill(page);
    }
    Ok(memory)
}

/// A file that goes when this is dropped.
#[derive(Debug)]
struct Filling {
    path: PathBuf,
}

impl Filling {
    fn write(folder: &Path, bytes: u64) -> io::Result<Filling> {
        std::fs::create_dir_all(folder)?;
        remove_leftovers(folder)?;
        let path = folder.join(FILE_NAME);
        // `create_new` follows no link that somebody put there meanwhile.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let filling = Filling { path };
        fill(file, bytes)?;
        Ok(filling)
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("stress: remove {} by hand: {error}", self.path.display());
        }
    }
}

/// Writes noise, which no file system compresses, and waits until it has its blocks.
fn fill(mut file: File, bytes: u64) -> io::Result<()> {
    let mut chunk = vec![0; 1 << 20];
    let noise = SeededEntropy::new(bytes);
    let mut left = bytes;
    while left > 0 {
        noise.fill(&mut chunk);
        let size = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&chunk[..size])?;
        left -= size as u64;
    }
    file.sync_all()
}

/// Removes what disk stress left in `folder` when its process was killed (C10). Nothing there is no error.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join(FILE_NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use model::{TestClock, Timestamp};

    use super::*;
    use crate::host::HostSettings;
    use crate::stress::StressKind;

    fn start(kind: StressKind, work: Work) -> (Stress, Arc<TestClock>) {
        let clock = Arc::new(TestClock::at(Timestamp(0)));
        let plan = Plan {
            kind,
            sentences: Vec::new(),
            settings: HostSettings::default(),
            work,
        };
        let stress = plan.start(Arc::<TestClock>::clone(&clock)).unwrap();
        (stress, clock)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline of the test itself, for real threads"
    )]
    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(30), "{what}");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Nice value and clock ticks used, of each busy thread of this process.
    fn busy_threads() -> Vec<(i64, u64)> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .filter(|stat| stat.contains("(campanile-stres)"))
            .map(|stat| {
                // proc(5): after the name come state, ppid … utime is field 14, nice 19.
                let rest = stat.rsplit_once(") ").unwrap().1;
                let fields: Vec<&str> = rest.split(' ').collect();
                (
                    fields[19 - 3].parse().unwrap(),
                    fields[14 - 3].parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn c7_c8_busy_threads_really_compute_at_the_lowest_priority_and_end_when_dropped_or_in_time() {
        let (stress, _clock) = start(StressKind::Cpu, Work::Busy { threads: 2 });
        wait_until("two threads at work", || {
            let working = |(nice, ticks): &(i64, u64)| *nice == 19 && *ticks >= 3;
            busy_threads().iter().filter(|t| working(t)).count() >= 2
        });
        drop(stress);
        // A joined thread may stand in /proc for a moment longer.
        wait_until("no thread is left", || busy_threads().is_empty());

        let (stress, clock) = start(StressKind::Cpu, Work::Busy { threads: 1 });
        assert!(stress.is_running());
        clock.advance(STRESS_MAX);
        wait_until("it ends by itself", || !stress.is_running());
    }

    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            << 10
    }

    #[test]
    fn c7_c8_memory_is_really_taken_and_given_back() {
        let (before, most, slack) = (resident(), 128 << 20, 32 << 20);
        let (stress, _clock) = start(StressKind::Memory, Work::Hold { bytes: most });
        let during = resident();
        assert!(during >= before + most - slack, "{before} {during}");
        drop(stress);
        let after = resident();
        assert!(after + most - slack <= during, "{during} {after}");
    }

    #[test]
    fn c8_c10_the_file_takes_real_blocks_goes_with_its_stress_and_a_leftover_does_not_block() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let demo = folder.path().join("demo");
        let path = demo.join(FILE_NAME);
        let bytes = (5 << 20) + 7;
        let work = || Work::Fill {
            folder: demo.clone(),
            bytes,
        };
        let (stress, _clock) = start(StressKind::Disk, work());
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!(meta.len(), bytes);
        assert!(meta.blocks() * 512 >= bytes, "not sparse, not compressed");
        // As if the process had been killed: nobody removes the file.
        let kept = std::fs::read(&path).unwrap();
        drop(stress);
        assert!(!path.exists());
        std::fs::write(&path, kept).unwrap();

        let (stress, clock) = start(StressKind::Disk, work());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);
        clock.advance(STRESS_MAX);
        wait_until("it ends by itself", || !stress.is_running());
        assert!(!path.exists());
        remove_leftovers(&demo).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_fails_with_nothing_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Filling::write(&file.join("demo"), 1).is_err());
        assert!(Filling::write(&file, 1).is_err());
    }
}
