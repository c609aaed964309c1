// Figures: what the processes count, and what that is a second.

/** Where a read was answered from, and its words; the order of the areas, from below. */
const OUTCOMES = [
  ["hit", "hit"], ["l1", "hit in L1"], ["stale", "stale"], ["absent", "known absence"], ["miss", "miss"],
  ["bypass", "bypass"], ["failed", "failed"], ["write", "write"],
];
/** How long the charts look back, in milliseconds. */
const SPAN = 300_000;

/** Figures of one process over the time between two of its snapshots; nothing if it counted anew in between. */
function between(before, now) {
  const seconds = (now.up_ms - before.up_ms) / 1000;
  if (!(seconds > 0)) return undefined;
  const rate = (key) => Math.max(0, now.counts[key] - before.counts[key]) / seconds;
  return {
    rates: Object.fromEntries(OUTCOMES.map(([key]) => [key, rate(key)])),
    loads: rate("loads"),
    failedLoads: rate("failed_loads"),
    latency: now.latency.map((count, at) => Math.max(0, count - before.latency[at])),
    lag: now.stream.expected ? now.stream.lag_ms : undefined,
  };
}

/** Figures of several processes as if they were one. */
function together(all) {
  const sum = (of) => all.reduce((total, one) => total + of(one), 0);
  const lags = all.map((one) => one.lag).filter((lag) => lag !== undefined && lag !== null);
  return {
    rates: Object.fromEntries(OUTCOMES.map(([key]) => [key, sum((one) => one.rates[key])])),
    loads: sum((one) => one.loads),
    failedLoads: sum((one) => one.failedLoads),
    latency: all.reduce((total, one) => one.latency.map((count, at) => count + (total[at] ?? 0)), []),
    lag: lags.length ? Math.max(...lags) : undefined,
  };
}

const requestsOf = (figures) => OUTCOMES.reduce((total, [key]) => total + figures.rates[key], 0);

/** Share of reads that the cache answered; nothing if there were none. */
function hitRatio({ rates }) {
  const reads = requestsOf({ rates }) - rates.write;
  return reads > 0 ? (rates.hit + rates.l1 + rates.absent + rates.stale) / reads : undefined;
}

/** The time in milliseconds within which this share of requests was answered, estimated inside its bucket. */
function quantile(latency, bounds, share) {
  const total = latency.reduce((sum, count) => sum + count, 0);
  if (!total) return undefined;
  let rank = share * total;
  for (let at = 0; at < latency.length; at += 1) {
    if (latency[at] && rank <= latency[at]) {
      const [low, high] = [at ? bounds[at - 1] : bounds[0] / 2, bounds[at] ?? bounds[at - 1] * 2];
      return (low * (high / low) ** (rank / latency[at])) / 1000;
    }
    rank -= latency[at];
  }
  return bounds[bounds.length - 1] / 1000;
}

/** Everything that was heard: the last snapshot of each process, points in time, events. */
class Heard {
  constructor() {
    this.processes = new Map();
    this.points = [];
    this.events = new Map();
  }

  /** Takes what processes were like before: points that are not there yet, each beside what others have at that time. */
  takePast({ at_ms: at, histories }) {
    for (const { history_of: process, expected, moments } of histories) {
      const snapshots = moments.map(([ago, one]) => ({
        at: at - ago, up_ms: one.up_ms, latency: one.latency, stream: { expected, lag_ms: one.lag_ms },
        counts: Object.fromEntries([...OUTCOMES.map(([key]) => key), "loads", "failed_loads"].map((key, place) => [key, one.counts[place]])),
      }));
      for (let next = 1; next < snapshots.length; next += 1) {
        const figures = between(snapshots[next - 1], snapshots[next]);
        if (figures) this.pointAt(snapshots[next].at, process, figures);
      }
    }
    this.points.sort((a, b) => a.at - b.at);
  }

  pointAt(at, process, figures) {
    const near = this.points.filter((point) => Math.abs(point.at - at) <= 1000);
    if (near.some((point) => point.of.has(process))) return;
    const point = near.reduce((best, one) => (best && Math.abs(best.at - at) <= Math.abs(one.at - at) ? best : one), undefined);
    if (point) point.of.set(process, figures);
    else this.points.push({ at, of: new Map([[process, figures]]) });
  }

  /** Takes what came; the moments are those of the process that answers. */
  take({ at_ms: at, processes }) {
    const point = { at, of: new Map() };
    for (const { heard_ms_ago: ago, snapshot } of processes) {
      const before = this.processes.get(snapshot.process);
      if (before && snapshot.up_ms > before.snapshot.up_ms) {
        const figures = between(before.snapshot, snapshot);
        if (figures) point.of.set(snapshot.process, figures);
      }
      this.processes.set(snapshot.process, { snapshot, at: at - ago, figures: point.of.get(snapshot.process) });
      for (const event of snapshot.events) {
        const key = `${snapshot.process} ${event.number}`;
        if (!this.events.has(key)) this.events.set(key, { ...event, key, by: snapshot, at: at - ago - event.ms_ago });
      }
    }
    const here = new Set(processes.map(({ snapshot }) => snapshot.process));
    for (const gone of [...this.processes.keys()].filter((id) => !here.has(id))) this.processes.delete(gone);
    this.points.push(point);
    while (this.points.length && this.points[0].at < at - SPAN) this.points.shift();
    while (this.events.size > 500) this.events.delete(this.events.keys().next().value);
  }

  /** A name of the process that no other has, as short as can be. */
  name(one) {
    const all = [...this.processes.values()].map(({ snapshot }) => snapshot);
    const names = [(other) => other.address, (other) => `${other.host} ${other.address}`];
    const unique = names.find((name) => all.every((other) => other.process === one.process || name(other) !== name(one)));
    return unique ? unique(one) : `${one.host} ${one.address} (process ${one.pid})`;
  }

  /** Points as figures: of one process, or of all together. */
  series(id) {
    return this.points.map(({ at, of }) => {
      const all = id ? [of.get(id)].filter(Boolean) : [...of.values()];
      return { at, figures: all.length ? together(all) : undefined };
    });
  }

  /** Snapshots of one process, or of all. */
  shown(id) {
    return [...this.processes.values()].filter(({ snapshot }) => !id || snapshot.process === id);
  }

  /** Events of one process or of all, the last first. */
  marks(id) {
    return [...this.events.values()].filter((event) => !id || event.by.process === id).sort((a, b) => b.at - a.at);
  }
}

/** A number with about three digits. */
function short(number) {
  if (number === undefined || number === null) return "–";
  if (number >= 10_000) return `${(number / 1000).toLocaleString("en", { maximumFractionDigits: 1 })}k`;
  return number.toLocaleString("en", { maximumFractionDigits: number >= 100 ? 0 : number >= 10 ? 1 : 2 });
}

/** Milliseconds in words. */
function time(ms) {
  if (ms === undefined || ms === null) return "–";
  if (ms >= 86_400_000) return `${short(ms / 86_400_000)} d`;
  if (ms >= 3_600_000) return `${short(ms / 3_600_000)} h`;
  if (ms >= 1000) return `${short(ms / 1000)} s`;
  return `${short(ms)} ms`;
}

const clock = (at) => new Date(at).toLocaleTimeString("en-GB");
const percent = (share) => (share === undefined ? "–" : `${(share * 100).toFixed(share > 0.995 && share < 1 ? 2 : 1)} %`);
