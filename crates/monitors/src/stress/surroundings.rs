//! What stress must know about the machine before it plans.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sysinfo::System;

use crate::host::{Disk, Sample, Sampler, watched};

/// The machine as a plan sees it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub sample: Sample,
    /// Bytes that a container's limit still allows; `None` without one.
    pub container_memory: Option<u64>,
    /// The folder that stress may write into.
    pub folder: PathBuf,
    /// The watched file system that `folder` lies on; `None` if the disk rule leaves that one out.
    pub disk: Option<Disk>,
}

/// The folder that stress should write into cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {}: {cause}; give a folder that can be read", .folder.display())]
pub struct SurroundingsError {
    folder: PathBuf,
    #[source]
    cause: io::Error,
}

impl Surroundings {
    /// Looks at the machine. `folder` need not exist yet.
    pub fn look(
        sampler: &mut dyn Sampler,
        folder: &Path,
    ) -> Result<Surroundings, SurroundingsError> {
        let sample = sampler.sample();
        let device = device_of(folder).map_err(|cause| SurroundingsError {
            folder: folder.to_owned(),
            cause,
        })?;
        // Bind mounts of one device are one file system: its mounts all have the folder's device number.
        let disk = watched(&sample.disks, &Default::default())
            .into_iter()
            .find(|disk| std::fs::metadata(&disk.mount).is_ok_and(|meta| meta.dev() == device))
            .cloned();
        Ok(Surroundings {
            container_memory: System::new()
                .ok()
                .and_then(|system| system.cgroup_limits())
                .map(|limits| limits.free_memory),
            folder: folder.to_owned(),
            disk,
            sample,
        })
    }
}

/// The device number of the folder, or of the nearest parent that exists.
fn device_of(folder: &Path) -> io::Result<u64> {
    let absolute = std::path::absolute(folder)?;
    for place in absolute.ancestors() {
        match std::fs::metadata(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(|meta| meta.dev()),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mounted(Vec<Disk>);

    impl Sampler for Mounted {
        fn sample(&mut self) -> Sample {
            Sample {
                disks: self.0.clone(),
                ..Sample::default()
            }
        }
    }

    #[test]
    fn the_disk_is_the_watched_one_that_the_folder_lies_on_or_would_lie_on() {
        let folder = tempfile::tempdir().unwrap();
        let disk = |mount: &Path, fs: &str| Disk {
            mount: mount.to_str().unwrap().to_owned(),
            device: format!("/dev/{}", mount.display()),
            fs: fs.to_owned(),
            total: 100,
            available: 50,
        };
        let look = |fs, place: &Path| {
            let disks = vec![disk(Path::new("/proc"), "ext4"), disk(folder.path(), fs)];
            let around = Surroundings::look(&mut Mounted(disks), place).unwrap();
            around.disk.map(|disk| disk.mount)
        };
        let here = folder.path().to_str().map(str::to_owned);
        assert_eq!(look("ext4", folder.path()), here);
        assert_eq!(look("ext4", &folder.path().join("not/yet")), here);
        assert_eq!(look("tmpfs", folder.path()), None);
    }

    #[test]
    fn a_folder_that_cannot_be_looked_at_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Surroundings::look(&mut Mounted(Vec::new()), &file.join("x")).unwrap_err();
        assert!(error.to_string().contains("file/x"), "{error}");
    }
}
