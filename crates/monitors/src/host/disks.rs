//! Which file systems are watched (E9–E11: one issue per file system).

use std::collections::HashMap;

use super::sample::Disk;
use super::settings::MountSettings;
use crate::limits::{DISKS_MAX, MOUNT_BYTES_MAX};

/// Types that keep no data of their own on a disk: made by the kernel, in memory, laid over others, or images that
/// are always full. Names as in Linux' `/proc/filesystems`.
const PSEUDO: &[&str] = &[
    "",
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cramfs",
    "debugfs",
    "devfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "none",
    "nsfs",
    "nullfs",
    "overlay",
    "overlayfs",
    "aufs",
    "proc",
    "procfs",
    "pstore",
    "ramfs",
    "romfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "swap",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
];

/// Whether file systems of this type are left out. `fuseblk` (NTFS) is a disk, `fuse.…` (snaps, archives, remote
/// stores) is not. Read-only mounts are no reason: a hardened service sees every mount read-only.
fn is_pseudo(fs: &str) -> bool {
    PSEUDO.contains(&fs) || fs.starts_with("fuse.")
}

/// The file systems to watch, each once: of several mounts of one device (bind mounts, subvolumes) the one with the
/// shortest path, so that the choice stays the same. Sorted by mount.
pub(crate) fn watched<'a>(disks: &'a [Disk], mounts: &MountSettings) -> Vec<&'a Disk> {
    let mut chosen: HashMap<(&str, &str), &Disk> = HashMap::new();
    for disk in disks.iter().filter(|disk| is_wanted(disk, mounts)) {
        // `tmpfs` and the like are no device's name: each mount is a file system of its own.
        let of_its_own = if is_pseudo(&disk.fs) {
            disk.mount.as_str()
        } else {
            ""
        };
        let best = chosen.entry((&disk.device, of_its_own)).or_insert(disk);
        if (disk.mount.len(), &disk.mount) < (best.mount.len(), &best.mount) {
            *best = disk;
        }
    }
    let mut list: Vec<&Disk> = chosen.into_values().collect();
    list.sort_by(|a, b| a.mount.cmp(&b.mount));
    list.dedup_by(|later, kept| later.mount == kept.mount);
    list.truncate(DISKS_MAX);
    list
}

fn is_wanted(disk: &Disk, mounts: &MountSettings) -> bool {
    let mount = disk.mount.as_str();
    if mount.is_empty() || mount.len() > MOUNT_BYTES_MAX || any(&mounts.exclude, mount) {
        return false;
    }
    if is_pseudo(&disk.fs) {
        return mounts.include.iter().any(|named| named == mount);
    }
    mounts.include.is_empty() || any(&mounts.include, mount)
}

fn any(patterns: &[String], mount: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => mount.starts_with(start),
            None => mount == pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(device: &str, mount: &str, fs: &str) -> Disk {
        Disk {
            mount: mount.into(),
            device: device.into(),
            fs: fs.into(),
            total: 100,
            available: 50,
        }
    }

    fn mounts<'a>(disks: &'a [Disk], include: &[&str], exclude: &[&str]) -> Vec<&'a str> {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        let settings = MountSettings {
            include: owned(include),
            exclude: owned(exclude),
        };
        watched(disks, &settings)
            .iter()
            .map(|d| d.mount.as_str())
            .collect()
    }

    #[test]
    fn file_systems_that_keep_no_data_on_a_disk_are_left_out() {
        for (device, mount, fs, kept) in [
            ("/dev/vda1", "/", "ext4", true),
            ("/dev/mapper/vg-data", "/data", "xfs", true),
            ("tank/home", "/home", "zfs", true),
            ("/dev/sdb1", "/mnt/win", "fuseblk", true),
            ("/dev/vda15", "/boot/efi", "vfat", true),
            ("/dev/loop9", "/var/vm", "ext4", true),
            ("proc", "/proc", "proc", false),
            ("sysfs", "/sys", "sysfs", false),
            ("devtmpfs", "/dev", "devtmpfs", false),
            ("tmpfs", "/dev/shm", "tmpfs", false),
            ("overlay", "/", "overlay", false),
            ("cgroup", "/sys/fs/cgroup/cpu", "cgroup", false),
            ("cgroup2", "/sys/fs/cgroup", "cgroup2", false),
            ("systemd-1", "/proc/sys/fs/binfmt_misc", "autofs", false),
            ("/dev/loop3", "/snap/core/1", "squashfs", false),
            ("snapfuse", "/snap/lxd/2", "fuse.snapfuse", false),
            ("portal", "/run/user/1000/doc", "fuse.portal", false),
            ("/dev/sr0", "/media/cd", "iso9660", false),
            ("/dev/loop4", "/usr", "erofs", false),
            ("none", "/x", "", false),
        ] {
            let disks = [disk(device, mount, fs)];
            assert_eq!(mounts(&disks, &[], &[]).len() == 1, kept, "{fs} on {mount}");
        }
    }

    #[test]
    fn mounts_of_one_device_are_one_file_system_whatever_their_order() {
        let mut disks = vec![
            disk("/dev/vda1", "/var/lib/containers", "btrfs"),
            disk("/dev/vda1", "/", "btrfs"),
            disk("/dev/vda1", "/home", "btrfs"),
            disk("/dev/vdb", "/data", "xfs"),
            disk("/dev/vdb", "/srv2", "xfs"),
        ];
        assert_eq!(mounts(&disks, &[], &[]), ["/", "/data"]);
        disks.reverse();
        assert_eq!(mounts(&disks, &[], &[]), ["/", "/data"]);
        assert_eq!(
            mounts(&disks, &["/home"], &[]),
            ["/home"],
            "the one that was asked for"
        );
        assert_eq!(mounts(&disks, &[], &["/", "/data"]), ["/home", "/srv2"]);
    }

    #[test]
    fn include_narrows_exclude_wins_and_a_named_mount_counts_whatever_its_type() {
        let disks = [
            disk("/dev/vda1", "/", "ext4"),
            disk("/dev/vdb", "/data/a", "xfs"),
            disk("/dev/vdc", "/data/b", "xfs"),
            disk("tmpfs", "/tmp", "tmpfs"),
            disk("tmpfs", "/run", "tmpfs"),
        ];
        assert_eq!(mounts(&disks, &["/data*"], &[]), ["/data/a", "/data/b"]);
        assert_eq!(mounts(&disks, &["/data*"], &["/data/b"]), ["/data/a"]);
        assert_eq!(mounts(&disks, &["/tmp", "/run"], &[]), ["/run", "/tmp"]);
        assert_eq!(mounts(&disks, &["/*"], &[]), ["/", "/data/a", "/data/b"]);
        assert_eq!(mounts(&disks, &[], &["/*"]), [""; 0]);
    }

    #[test]
    fn i10_there_are_at_most_so_many_file_systems_with_paths_so_long() {
        let many: Vec<Disk> = (0..DISKS_MAX + 50)
            .map(|i| disk(&format!("/dev/d{i}"), &format!("/m{i}"), "ext4"))
            .collect();
        assert_eq!(mounts(&many, &[], &[]).len(), DISKS_MAX);
        let deep = [disk(
            "/dev/a",
            &format!("/{}", "x".repeat(MOUNT_BYTES_MAX)),
            "ext4",
        )];
        assert_eq!(mounts(&deep, &[], &[]), [""; 0]);
    }
}
