#!/bin/sh
# The namespaces of a node, and of image builds.
#
#   namespaces.sh start STATE CGROUP PODLOGS INIT
#                                            become the node: its first process, in namespaces of its own
#   namespaces.sh enter PID PROGRAM ARG...   run a program in the node whose first process is PID
#   namespaces.sh aside STATE PROGRAM ARG... run a program that shan't see or change the machine's container storage
#
# A node is a set of namespaces (mount, network, pid, cgroup, IPC, UTS), as a container is. Everything that it changes
# (mounts, interfaces, nftables, sysctls, processes) is inside them, and gone when its first process is. Only files
# under STATE and PODLOGS and empty cgroups named CGROUP outlive it.
set -eu

# Without -n mount keeps records in the machine's /run/mount.
mount() {
  command mount -n "$@"
}

unified() {
  [ -f /sys/fs/cgroup/cgroup.controllers ]
}

# Folders of the cgroups that process $1 is in, one a line.
cgroups_of() {
  while IFS=: read -r _ controllers path; do
    if unified; then
      echo "/sys/fs/cgroup${path%/}"
    elif [ -n "$controllers" ] && [ -d "/sys/fs/cgroup/${controllers#name=}$path" ]; then
      echo "/sys/fs/cgroup/${controllers#name=}${path%/}"
    fi
  done <"/proc/$1/cgroup"
}

# New cgroups named $1, with this process in them.
new_cgroups() {
  if unified; then
    # A cgroup with processes in it can't have children with controllers, so below this process's own won't do.
    for controller in cpuset cpu io memory pids; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || echo "no cgroup controller $controller" >&2
    done
    mkdir -p "/sys/fs/cgroup/$1"
    echo $$ >"/sys/fs/cgroup/$1/cgroup.procs"
    return
  fi
  for parent in $(cgroups_of self); do
    mkdir -p "$parent/$1"
    for setting in cpuset.cpus cpuset.mems; do
      if [ -f "$parent/$setting" ]; then cat "$parent/$setting" >"$parent/$1/$setting"; fi
    done
    echo $$ >"$parent/$1/cgroup.procs"
  done
}

# Shows the cgroup namespace's own hierarchies at the usual place.
mount_cgroups() {
  if unified; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/node
    echo $$ >/sys/fs/cgroup/node/cgroup.procs
    return
  fi
  hierarchies=$(cut -d: -f2 /proc/self/cgroup)
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for controllers in $hierarchies; do
    folder="/sys/fs/cgroup/${controllers#name=}"
    mkdir "$folder"
    case $controllers in
    name=*) mount -t cgroup -o "none,$controllers" cgroup "$folder" ;;
    *) mount -t cgroup -o "$controllers" cgroup "$folder" ;;
    esac
  done
}

# Replaces folder $1 by one that shows all that is in it, but for the names that follow: those are new and empty.
shadow() {
  folder=$1
  shift
  fresh="$state/shadow"
  mkdir -p "$fresh"
  mount -t tmpfs -o mode=755 tmpfs "$fresh"
  for entry in "$folder"/* "$folder"/.[!.]*; do
    name=${entry##*/}
    case " $* " in *" $name "*) continue ;; esac
    if [ -L "$entry" ]; then
      cp -P "$entry" "$fresh/$name"
    elif [ -d "$entry" ]; then
      mkdir "$fresh/$name"
      mount --rbind "$entry" "$fresh/$name"
    elif [ -e "$entry" ]; then
      touch "$fresh/$name"
      mount --bind "$entry" "$fresh/$name"
    fi
  done
  for name; do mkdir "$fresh/$name"; done
  mount --move "$fresh" "$folder"
}

# kubelet insists on these values of the whole machine's kernel; it is shown them instead of being let set them.
pretend_sysctl() {
  mkdir -p "$state/sysctl"
  echo "$2" >"$state/sysctl/${1##*/}"
  if [ -e "/proc/sys/$1" ]; then mount --bind "$state/sysctl/${1##*/}" "/proc/sys/$1"; fi
}

inside() {
  state=$1
  mount_cgroups
  shadow /run containerd netns cni runc
  shadow /var/lib cni containerd kubelet
  shadow /var/log containers pods
  mkdir -p "$state/kubelet" "$state/tmp" "$2"
  mount --bind "$state/kubelet" /var/lib/kubelet
  mount --bind "$2" /var/log/pods
  pretend_sysctl vm/overcommit_memory 1
  pretend_sysctl vm/panic_on_oom 0
  pretend_sysctl kernel/panic 10
  pretend_sysctl kernel/panic_on_oops 1
  pretend_sysctl kernel/keys/root_maxkeys 1000000
  pretend_sysctl kernel/keys/root_maxbytes 25000000
  # These belong to the network namespace. The node routes between Pods, and back out of the interface they came from.
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
  echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects
  # Pods' frames to the node are routed there, not diverted on the bridge: a Pod may be its own Service's endpoint.
  if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables; fi
  touch "$state/ready"
  exec "$3"
}

command=$1
shift
case $command in
start)
  new_cgroups "$2"
  exec unshare --mount --net --pid --cgroup --ipc --uts --fork --kill-child=KILL --mount-proc \
    sh "$0" inside "$1" "$3" "$4"
  ;;
inside)
  inside "$@"
  ;;
enter)
  target=$1
  shift
  for cgroup in $(cgroups_of "$target"); do echo $$ >"$cgroup/cgroup.procs"; done
  exec nsenter --target "$target" --mount --net --pid --cgroup --ipc --uts -- "$@"
  ;;
aside)
  exec unshare --mount sh "$0" inside-aside "$@"
  ;;
inside-aside)
  state=$1
  shift
  shadow /run containers
  shadow /var/lib containers
  exec "$@"
  ;;
*)
  echo "namespaces.sh: unknown command $command" >&2
  exit 2
  ;;
esac
