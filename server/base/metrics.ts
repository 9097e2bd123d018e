/** Everything weft counts, in one place, for Prometheus. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { collectFanout, noFanout, type FanoutLevels } from './fanout-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * What is counted for every frame: plain numbers, read into the registry when somebody asks,
 * because a labelled counter costs as much as handling a small frame does.
 */
export type Tally = {
  messagesSent: number
  framesReceived: number
  updatesApplied: number
  updateBytes: number
}

/** What stands at some height just now: asked of its owner when somebody wants to know. */
export type Levels = {
  unsavedDocuments: () => number
  queuedEntries: () => number
  fanout: () => FanoutLevels
}

const noLevels: Levels = {
  unsavedDocuments: () => 0,
  queuedEntries: () => 0,
  fanout: () => noFanout,
}

export function createMetrics() {
  const tally: Tally = { messagesSent: 0, framesReceived: 0, updatesApplied: 0, updateBytes: 0 }
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Counter<Label>({ name, help, labelNames: [...labelNames], registers })
  const tallied = (name: string, help: string, field: keyof Tally) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(tally[field])
      },
    })
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Gauge<Label>({ name, help, labelNames: [...labelNames], registers })
  const histogram = (name: string, help: string, buckets = secondsBuckets) =>
    new Histogram({ name, help, buckets, registers })

  const levels: Levels = { ...noLevels }
  collectLevels(levels, registers)
  collectTally(tallied)

  return {
    registry,
    tally,
    levels,
    connections: gauge('weft_connections', 'Open sockets.', ['protocol']),
    connectionsTotal: counter('connections_total', 'Sockets accepted since the start.'),
    connectionsRefused: counter('weft_connections_refused_total', 'Upgrades refused.', ['code']),
    socketsClosed: counter('weft_sockets_closed_total', 'Sockets closed by us.', ['code']),
    refusals: counter('weft_refusals_total', 'Refusals sent to clients, by code.', ['code']),
    ...updateCounters(counter),
    gapsIn: counter('weft_update_gaps_total', 'Updates refused because they depend on others.'),
    ackSeconds: histogram('weft_acknowledge_seconds', 'From update received to durable.'),
    documentsLive: gauge('weft_documents_live', 'Documents in memory.'),
    documentLoads: counter('weft_document_loads_total', 'Documents read from the journal.', [
      'outcome',
    ]),
    loadsDelayed: counter(
      'weft_document_loads_delayed_total',
      'Readings that waited because one user asked for many at once.',
    ),
    documentLoadSeconds: histogram('weft_document_load_seconds', 'Time to open a document.'),
    journalEntries: counter('weft_journal_entries_total', 'Entries made durable.'),
    journalBytes: counter('weft_journal_bytes_total', 'Update bytes made durable.'),
    journalCommits: counter('weft_journal_commits_total', 'Commits of the journal.', ['outcome']),
    journalCommitSeconds: histogram('weft_journal_commit_seconds', 'Time of one commit.'),
    journalDamage: counter('weft_journal_damage_total', 'Failed checks of stored bytes.', ['kind']),
    snapshots: counter('weft_snapshots_total', 'Snapshots attempted.', ['outcome']),
    lagging: counter('weft_lagging_total', 'Times a client read too slowly and fell behind.'),
    ...hookCounters(counter),
    divergence: counter('weft_divergence_total', 'Clients found to differ from the server.', [
      'attempt',
    ]),
    ...nodeCounters(counter),
    ...signalCounters(counter),
    ...auditCounters(counter),
    ...breakerMetrics(registers),
    rateLimited: counter('weft_rate_limited_total', 'Times that somebody came too often.', [
      'limit',
    ]),
    requests: counter('weft_http_requests_total', 'REST requests.', ['route', 'status']),
    unexpected: counter('weft_unexpected_errors_total', 'Errors nobody planned for.', ['where']),
  }
}

type MakeCounter = <Label extends string = never>(
  name: string,
  help: string,
  labelNames?: readonly Label[],
) => Counter<Label>

/** What becomes of updates that are not simply taken. */
function updateCounters(counter: MakeCounter) {
  return {
    updatesRefused: counter('weft_updates_refused_total', 'Updates not applied, by code.', [
      'code',
    ]),
    updatesHeld: counter(
      'weft_updates_held_total',
      'States that held what is another author’s to bring.',
    ),
    recovered: counter(
      'weft_recovered_clients_total',
      'Client ids whose changes somebody else handed over after a crash or a restore.',
    ),
  }
}

/** What the application adds. */
function hookCounters(counter: MakeCounter) {
  return {
    hookFailures: counter(
      'weft_hook_failures_total',
      'Hooks that failed, took too long, or were left out.',
      ['hook', 'reason'],
    ),
    seeds: counter('weft_seeds_total', 'Documents created with a seed.'),
    migrations: counter('weft_schema_migrations_total', 'Documents brought to a newer schema.'),
  }
}

/** What happens between the nodes. */
function nodeCounters(counter: MakeCounter) {
  return {
    nodeMessagesRefused: counter(
      'weft_node_messages_refused_total',
      'Messages and changes of other nodes that were not taken.',
      ['code'],
    ),
    nodeGaps: counter('weft_node_gaps_total', 'Times that something of another node was missing.'),
    nodeDivergence: counter(
      'weft_node_divergence_total',
      'Documents found to differ from those of another node.',
    ),
    adopted: counter('weft_adopted_total', 'Changes stored for another node.'),
  }
}

function signalCounters(counter: MakeCounter) {
  return {
    signalsSent: counter(
      'weft_signals_sent_total',
      'Signals taken from clients and programs here.',
    ),
    signalsReceived: counter(
      'weft_signals_received_total',
      'Times that a signal was sent to a session of this node.',
    ),
    signalsRefused: counter('weft_signals_refused_total', 'Signals that were not taken, by code.', [
      'code',
    ]),
  }
}

function auditCounters(counter: MakeCounter) {
  return {
    auditRows: counter('weft_audit_rows_total', 'Rows of the audit log written by this node.'),
    auditDropped: counter('weft_audit_dropped_total', 'Audit events that were not kept.'),
    auditFailures: counter(
      'weft_audit_failures_total',
      'Times that audit events could not be stored, or the log not be anchored.',
    ),
    auditMismatches: counter(
      'weft_audit_mismatches_total',
      'Times that the audit log was not what had been anchored.',
    ),
  }
}

function collectTally(tallied: (name: string, help: string, field: keyof Tally) => unknown): void {
  tallied('messages_sent_total', 'Frames sent.', 'messagesSent')
  tallied('weft_frames_received_total', 'Frames received.', 'framesReceived')
  tallied('weft_updates_applied_total', 'Updates applied to documents.', 'updatesApplied')
  tallied('weft_update_bytes_received_total', 'Bytes of applied updates.', 'updateBytes')
}

function collectLevels(levels: Levels, registers: Registry[]): void {
  const level = (name: string, help: string, field: 'unsavedDocuments' | 'queuedEntries') =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(levels[field]())
      },
    })
  level('weft_documents_unsaved', 'Documents with edits not yet durable.', 'unsavedDocuments')
  level('weft_journal_queued_entries', 'Entries waiting for a commit.', 'queuedEntries')
  collectFanout(() => levels.fanout(), registers)
}

function breakerMetrics(registers: Registry[]) {
  return {
    breakerState: new Gauge({
      name: 'weft_breaker_state',
      help: 'Circuit breakers: 0 closed, 1 half-open, 2 open.',
      labelNames: ['dep'],
      registers,
    }),
    breakerTransitions: new Counter({
      name: 'weft_breaker_transitions_total',
      help: 'Changes of a circuit breaker, by the state that it went to.',
      labelNames: ['dep', 'to'],
      registers,
    }),
  }
}
