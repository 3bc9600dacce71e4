#!/bin/busybox sh
# shellcheck shell=dash
# Reads one DNS question and answers that there is no such name: what a proof wants is an answer, whatever it says.
# The question's own id, then flags QR + RD + RA and rcode NXDOMAIN, then the question as it came.
question=$(dd bs=512 count=1 2>/dev/null | xxd -p -c 512)
rest=${question#????????}
printf %s "${question%"${question#????}"}8183$rest" | xxd -r -p
