#!/usr/bin/env bash
# End what up.sh started, by the process ids that it noted, and remove its folder.
set -u
FOLDER=${FOLDER:-/tmp/pdarts-slurm}
export SLURM_CONF=$FOLDER/etc/slurm.conf

# stop NAME PROGRAM: if that process is still that program; KILL where TERM is not enough.
stop() {
    local pid
    pid=$(cat "$FOLDER/pid/$1" 2>/dev/null) || return 0
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || return 0
    kill -TERM "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid"
}

# A job must not outlive its node.
timeout 10 scancel --user=root 2>/dev/null
for _ in $(seq 100); do
    [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
    sleep 0.1
done
for node in cpu1 gpu1; do
    stop "slurmd-$node" slurmd
done
# Without cgroups a process that has lost its parent escapes SLURM; our jobs carry the cluster's name.
for environment in $(grep -lsz '^SLURM_CLUSTER_NAME=pdarts$' /proc/[0-9]*/environ); do
    kill -KILL "$(basename "$(dirname "$environment")")"
done
for daemon in slurmctld slurmdbd mariadbd munged; do
    stop "$daemon" "$daemon"
done
[ "$(readlink /etc/slurm/slurm.conf)" = "$SLURM_CONF" ] && rm /etc/slurm/slurm.conf
rm -rf "$FOLDER"
