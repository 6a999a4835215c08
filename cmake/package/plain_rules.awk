# What stands under `spec:` of a PrometheusRule, un-indented by two: a rules file for a plain Prometheus. `spec` comes last.
/^spec:$/ { spec = 1; next }
spec && /^[^ ]/ { wrong = 1 }
spec { sub(/^  /, ""); print }
END { if (!spec || wrong) { print FILENAME ": `spec` must come last and be indented by two" > "/dev/stderr"; exit 1 } }
