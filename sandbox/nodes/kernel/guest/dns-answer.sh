#!/bin/sh
# Reads one DNS question and answers that there is no such name: what a proof wants is an answer, whatever it says.
# The question's own id, then flags QR + RD + RA and rcode NXDOMAIN, then the question as it came.
question=$(dd bs=512 count=1 2>/dev/null | xxd -p | tr -d '\n')
printf '%s8183%s' "$(printf %s "$question" | cut -c 1-4)" "$(printf %s "$question" | cut -c 9-)" | xxd -r -p
