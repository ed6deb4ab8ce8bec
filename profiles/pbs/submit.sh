#!/bin/sh
# Submit a job, and print its ID: submit.sh CORES MEMORY_IN_MB MINUTES GPUS JOBSCRIPT
# -r y lets PBS start a job anew after a node has failed. Add what your site requires, such as -q QUEUE or -A ACCOUNT.
exec qsub -r y -j oe -o results/logs/ -l "select=1:ncpus=$1:mem=$2mb:ngpus=$4" -l "walltime=$(($3 * 60))" "$5"
