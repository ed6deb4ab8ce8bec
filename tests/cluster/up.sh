#!/usr/bin/env bash
# Bring up a real SLURM on this one machine: two nodes, one with fake GPUs that are really counted; loopback only.
#   FOLDER=/tmp/pdarts-slurm   where everything that is written lies
#   ACCOUNTING=1               0: no database, so that only squeue knows what became of a job
# Needs root, and Debian's packages, which it installs where they are missing. Exit code 3: not possible here, and why.
set -euo pipefail

FOLDER=${FOLDER:-/tmp/pdarts-slurm}
ACCOUNTING=${ACCOUNTING:-1}
PORT=26900 # and the 240 above it
HOST=$(hostname -s)
PACKAGES=(munge slurmctld slurmd slurm-client)
[ "$ACCOUNTING" = 0 ] || PACKAGES+=(slurmdbd slurm-wlm-mysql-plugin mariadb-server)

impossible() {
    echo "no SLURM here: $*" >&2
    exit 3
}

fail() {
    echo "SLURM did not come up: $*" >&2
    tail -n 15 "$FOLDER"/log/* >&2 || true
    exit 1
}

# wait_for SECONDS WHAT COMMAND…: until the command succeeds. Clients can hang, so each call has a limit of its own.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until timeout 10 "$@" >>"$FOLDER/log/waiting.txt" 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what does not answer"
        sleep 0.2
    done
}

install_packages() {
    local missing=() package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    # A policy that forbids the packages to start their own services, unless there is one already.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } >"$FOLDER/log/apt.txt" 2>&1 ||
        impossible "apt-get install ${missing[*]} failed: $(tail -n 1 "$FOLDER/log/apt.txt")"
}

start_munge() {
    mkdir -p "$FOLDER/munge"
    chmod 711 "$FOLDER/munge"
    (umask 077 && head -c 1024 /dev/urandom >"$FOLDER/munge/key")
    munged --socket="$FOLDER/munge/socket" --key-file="$FOLDER/munge/key" --pid-file="$FOLDER/pid/munged" \
        --log-file="$FOLDER/log/munged.txt" --seed-file="$FOLDER/munge/seed" --num-threads=2
    wait_for 10 munged sh -c "munge -n -S $FOLDER/munge/socket | unmunge -S $FOLDER/munge/socket"
}

start_database() {
    local socket=$FOLDER/run/mysql.socket
    mkdir -p "$FOLDER/run"
    chown mysql: "$FOLDER/run"
    install -d -o mysql -g mysql -m 700 "$FOLDER/mysql"
    mariadb-install-db --no-defaults --user=mysql --datadir="$FOLDER/mysql" --auth-root-authentication-method=socket \
        --skip-test-db >"$FOLDER/log/mysql-install.txt" 2>&1 || fail "mariadb-install-db"
    setsid mariadbd --no-defaults --user=mysql --datadir="$FOLDER/mysql" --socket="$socket" --bind-address=127.0.0.1 \
        --port=$((PORT + 4)) --skip-name-resolve --innodb-buffer-pool-size=64M --innodb-log-file-size=16M \
        --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=2 \
        --log-error="$FOLDER/log/mariadbd.txt" </dev/null >/dev/null 2>&1 &
    echo $! >"$FOLDER/pid/mariadbd"
    wait_for 60 mariadbd mariadb-admin --no-defaults --socket="$socket" ping
    mariadb --no-defaults --socket="$socket" -e "CREATE DATABASE slurm;
        CREATE USER 'slurm'@'127.0.0.1' IDENTIFIED BY 'loopback'; GRANT ALL ON slurm.* TO 'slurm'@'127.0.0.1';"
}

start_accounting() {
    (
        umask 077
        cat >"$FOLDER/etc/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$FOLDER/munge/socket
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=$((PORT + 1))
CommunicationParameters=NoInAddrAny
SlurmUser=root
PidFile=$FOLDER/pid/slurmdbd
LogFile=$FOLDER/log/slurmdbd.txt
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT + 4))
StorageUser=slurm
StoragePass=loopback
StorageLoc=slurm
CommitDelay=1
END
    )
    slurmdbd
    wait_for 60 slurmdbd sacctmgr -n -i show cluster
    {
        sacctmgr -i add cluster pdarts
        sacctmgr -i add account lab Cluster=pdarts Description=lab Organization=lab
        sacctmgr -i add user root Account=lab DefaultAccount=lab
    } >"$FOLDER/log/sacctmgr.txt"
}

write_configuration() {
    mkdir -p "$FOLDER/dev"
    local number accounting
    for number in 0 1; do # null devices: enough for SLURM to count them
        mknod -m 666 "$FOLDER/dev/nvidia$number" c 1 3 2>/dev/null || touch "$FOLDER/dev/nvidia$number"
    done
    accounting="AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none"
    [ "$ACCOUNTING" = 0 ] || accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 1))
AccountingStoragePass=$FOLDER/munge/socket
AccountingStorageEnforce=associations
AccountingStorageTRES=gres/gpu,gres/shard
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1"
    cat >"$FOLDER/etc/slurm.conf" <<END
ClusterName=pdarts
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SrunPortRange=$((PORT + 20))-$((PORT + 239))
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$FOLDER/munge/socket,cred_expire=10
SlurmUser=root
SlurmctldPidFile=$FOLDER/pid/slurmctld
SlurmdPidFile=$FOLDER/pid/slurmd-%n
SlurmctldLogFile=$FOLDER/log/slurmctld.txt
SlurmdLogFile=$FOLDER/log/slurmd-%n.txt
StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/spool/%n
# No cgroups and no systemd, so that it runs in a plain container.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
MailProg=/bin/true
# More CPUs than there are; memory and GPUs are shared out, not only counted.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu,shard
# Everything at once: a test must not wait for a scheduler's next round.
SchedulerParameters=sched_min_interval=100000,sched_interval=5,bf_interval=5,batch_sched_delay=0,preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=600
KillWait=5
SlurmdTimeout=${SLURMD_TIMEOUT:-30}
MessageTimeout=30
$accounting
NodeName=cpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=8 RealMemory=64000
NodeName=gpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 3)) CPUs=8 RealMemory=64000 Gres=gpu:fake:2,shard:4
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE DefaultTime=60
PartitionName=both Nodes=cpu1,gpu1 MaxTime=INFINITE DefaultTime=60
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE DefaultTime=60 PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=gpu-abrupt Nodes=gpu1 MaxTime=INFINITE DefaultTime=60 PriorityTier=1 PreemptMode=REQUEUE
PartitionName=gpu-cancel Nodes=gpu1 MaxTime=INFINITE DefaultTime=60 PriorityTier=1 PreemptMode=CANCEL
PartitionName=gpu-urgent Nodes=gpu1 MaxTime=INFINITE DefaultTime=60 PriorityTier=10 PreemptMode=OFF
END
    cat >"$FOLDER/etc/gres.conf" <<END
NodeName=gpu1 Name=gpu Type=fake File=$FOLDER/dev/nvidia[0-1]
NodeName=gpu1 Name=shard Count=2 File=$FOLDER/dev/nvidia0
NodeName=gpu1 Name=shard Count=2 File=$FOLDER/dev/nvidia1
END
    echo "CgroupAutomount=no" >"$FOLDER/etc/cgroup.conf"
    # The executor's job step drops SLURM_CONF, so clients in a job read the usual place.
    mkdir -p /etc/slurm
    ln -s "$SLURM_CONF" /etc/slurm/slurm.conf
}

start_nodes() {
    slurmctld -i
    wait_for 30 slurmctld sh -c "scontrol ping | grep -q 'is UP'"
    local node
    for node in cpu1 gpu1; do
        slurmd -N "$node"
    done
    for node in cpu1 gpu1; do
        wait_for 30 "node $node" sh -c "sinfo -h -N -n $node -o %T | grep -q idle"
    done
    wait_for 30 "a job" srun -p cpu -n1 -t1 true
}

[ "$(id -u)" = 0 ] || impossible "it takes root"
command -v apt-get >/dev/null || impossible "the packages are Debian's, and there is no apt-get"
[ ! -e /etc/slurm/slurm.conf ] && [ ! -L /etc/slurm/slurm.conf ] ||
    impossible "/etc/slurm/slurm.conf is another cluster's ($(readlink /etc/slurm/slurm.conf || echo a file)); it is left alone"
[ ! -e "$FOLDER" ] || impossible "$FOLDER exists; run tests/cluster/down.sh first"
mkdir -p "$FOLDER"/{etc,log,pid,state,spool/cpu1,spool/gpu1}
chmod 755 "$FOLDER"
export SLURM_CONF=$FOLDER/etc/slurm.conf
install_packages
write_configuration
start_munge
if [ "$ACCOUNTING" != 0 ]; then
    start_database
    start_accounting
fi
start_nodes
