#!/bin/sh
# Print running, success or failed, the state of a job: status.sh ID
# PBS must keep finished jobs for a while (job_history_enable). While qstat does not answer, a job counts as running.
job=$(qstat -x -f "$1" | sed -n -e 's/^ *job_state = //p' -e 's/^ *Exit_status = //p' | tr '\n' ' ')
case $job in
    "F 0 ") echo success ;;
    "F "*) echo failed ;;
    *) echo running ;;
esac
