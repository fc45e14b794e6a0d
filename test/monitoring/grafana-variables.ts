// What Grafana does to a query before Prometheus gets it: variables that choose everything, and its own intervals.
const intervals: Readonly<Record<string, string>> = { $__rate_interval: '1m', $__range: '1h', $__interval: '15s' }

/** @param rateInterval Grafana makes it four scrape intervals, or more. Default `1m` */
export function asPrometheusReads(query: string, rateInterval = '1m'): string {
  return query.replaceAll(/\$\w+/g, (name) => (name === '$__rate_interval' ? rateInterval : (intervals[name] ?? '.*')))
}
