# Makes a service's riptide.conf of the sample. The log goes to standard error,
# which is the journal; the compactor is a unit.
s|^#dir ./data$|dir /var/lib/riptidekv|
s|^#compactor spawn$|compactor external|
s|^# riptide.conf: every option with its default\.$|# riptide.conf of the service: every option; those without # are set.|
