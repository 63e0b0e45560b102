import { type Dashboard, dashboardJson } from './dashboard.ts'

const inRealm = 'namespace=~"$namespace",realm=~"$realm"'
const inOperator = 'namespace=~"$namespace"'
/** Gauges of realms are the same at every replica of the operator: only those of the leader are read. */
const ofLeader = (metric: string) => `${metric} and on (namespace, pod) realm_operator_leader == 1`
const rate = (metric: string, labels: string, by: string) => `sum by (${by}) (rate(${metric}{${labels}}[$__rate_interval]))`
const quantile = (share: number, metric: string, labels: string, by = '') =>
  `histogram_quantile(${share}, sum by (${[...(by ? [by] : []), 'le'].join(', ')}) (rate(${metric}_bucket{${labels}}[$__rate_interval])))`

const fleet: Dashboard = {
  uid: 'realm-fleet',
  title: 'Realms / Fleet',
  about: 'All realms of a cluster: how many players they have, and which need a look.',
  variables: {},
  rows: [
    {
      title: 'Realms',
      panels: [
        {
          ...{ title: 'Realms', unit: 'short', isNumber: true, about: 'Realm objects, and those whose conditions are True.' },
          queries: {
            declared: ofLeader('realm_operator_realms'),
            ready: ofLeader('realm_operator_realms_ready'),
            published: ofLeader('realm_operator_realms_published'),
            stalled: ofLeader('realm_operator_realms_stalled'),
          },
        },
        {
          ...{ title: 'Conditions that are not True', unit: 'short', about: 'Reasons are explained in docs/reference/codes.md.' },
          queries: {
            '{{condition}} {{reason}}':
              'sum by (condition, reason) (realm_operator_realms_by_condition{condition=~"Ready|Published|DependenciesReady|AcceptingPlayers",status!="True"} and on (namespace, pod) realm_operator_leader == 1)',
          },
        },
        {
          ...{ title: 'Players', unit: 'short', about: 'Players with a session, by realm.' },
          queries: { '{{namespace}}/{{realm}}': 'sum by (namespace, realm) (realm_connector_players)' },
        },
      ],
    },
    {
      title: 'What players notice',
      panels: [
        {
          ...{ title: 'Players who get an island', unit: 'percentunit', about: 'Below 95 % players are connected and alone.' },
          queries: { '{{realm}} {{cell}}': 'realm_cell:join_success:ratio15m' },
        },
        {
          ...{ title: 'Wait for the first island (p95)', unit: 's', about: 'One flush, two seconds, is usual.' },
          queries: { '{{realm}} {{cell}}': 'realm_cell:join_seconds:p95_15m' },
        },
        {
          ...{
            title: 'Requests to the realm provider',
            unit: 'reqps',
            about: 'By status; 5xx means that explorers find no realm.',
          },
          queries: { '{{status}}': 'sum by (status) (rate(realm_provider_http_requests_total[$__rate_interval]))' },
        },
        {
          ...{ title: 'Heartbeat to island (p95)', unit: 's', about: 'At most one flush, two seconds, is usual.' },
          queries: { '{{realm}} {{cell}}': 'realm_cell:island_change_seconds:p95_15m' },
        },
        {
          ...{
            title: 'Answers to /about (p99)',
            unit: 's',
            about: 'What the realm provider itself needs; microseconds from memory.',
          },
          queries: { '{{namespace}}': 'realm_provider:about_seconds:p99_15m' },
        },
        {
          ...{
            title: 'Until a change is published (p95)',
            unit: 's',
            about: 'From the decision of the operator to an answer of the realm provider.',
          },
          queries: { '{{namespace}}': 'realm_operator:publication_seconds:p95_1h' },
        },
      ],
    },
    {
      title: 'Versions',
      panels: [
        {
          ...{ title: 'Versions that run', unit: 'short', isNumber: true, about: 'Pods by the version of their program.' },
          queries: { '{{__name__}} {{version}}': 'count by (__name__, version) ({__name__=~"realm_.+_build_info"})' },
        },
        {
          ...{ title: 'Bugs', unit: 'short', about: 'Exceptions that no code expected; each is worth a report.' },
          queries: { '{{pod}}': 'sum by (namespace, pod) ({__name__=~"realm_.+_bugs_total"}) > 0' },
        },
        {
          ...{ title: 'Alerts', unit: 'short', about: 'Alerts of this chart that are firing.' },
          queries: { '{{alertname}}': 'sum by (alertname) (ALERTS{alertname=~"Realm.+",alertstate="firing"})' },
        },
      ],
    },
  ],
}

const realm: Dashboard = {
  uid: 'realm-realm',
  title: 'Realms / Realm',
  about: 'One realm: its players, its islands and the pods that make them.',
  variables: { namespace: 'realm_connector_players', realm: 'realm_connector_players' },
  rows: [
    {
      title: 'Players',
      panels: [
        {
          ...{ title: 'Players', unit: 'short', about: 'By cell and connector.' },
          queries: { '{{cell}} {{pod}}': `realm_connector_players{${inRealm}}` },
        },
        {
          ...{ title: 'Handshakes', unit: 'cps', about: 'welcomed, or the reason why a client was not.' },
          queries: { '{{outcome}}': rate('realm_connector_handshakes_total', inRealm, 'outcome') },
        },
        {
          ...{ title: 'Sessions that ended', unit: 'cps', about: 'By the way they ended.' },
          queries: { '{{ending}}': rate('realm_connector_sessions_ended_total', inRealm, 'ending') },
        },
        {
          ...{ title: 'Connections of the limit', unit: 'percentunit', about: 'At 100 % players are refused.' },
          queries: { '{{pod}}': `realm_connector_connections{${inRealm}} / realm_connector_connections_max{${inRealm}}` },
        },
        {
          ...{ title: 'Joins', unit: 'cps', about: 'missed: players who waited too long for an island.' },
          queries: { '{{outcome}}': rate('realm_connector_joins_total', inRealm, 'outcome') },
        },
        {
          ...{ title: 'First heartbeat to first island', unit: 's', about: 'One flush, two seconds, is usual.' },
          queries: {
            p50: quantile(0.5, 'realm_connector_join_seconds', inRealm),
            p95: quantile(0.95, 'realm_connector_join_seconds', inRealm),
          },
        },
      ],
    },
    {
      title: 'Islands',
      panels: [
        {
          ...{ title: 'Islands', unit: 'short', about: 'Of the archipelago that is active.' },
          queries: {
            '{{cell}}': `max by (cell) (realm_archipelago_islands{${inRealm}} and on (namespace, pod) realm_archipelago_active == 1)`,
          },
        },
        {
          ...{ title: 'Changes of rooms', unit: 'cps', about: 'By cause; many by rebalance or recovery are worth a look.' },
          queries: { '{{cause}}': rate('realm_archipelago_room_changes_total', inRealm, 'cause') },
        },
        {
          ...{ title: 'Flushes', unit: 's', about: 'A flush that takes longer than its period delays the next one.' },
          queries: {
            p50: quantile(0.5, 'realm_archipelago_flush_seconds', inRealm),
            p99: quantile(0.99, 'realm_archipelago_flush_seconds', inRealm),
          },
        },
        {
          ...{
            title: 'Heartbeat to island',
            unit: 's',
            about: 'From a move to the room it leads to; one flush, two seconds, at most is usual.',
          },
          queries: { 'p95 {{cell}}': `realm_cell:island_change_seconds:p95_15m{${inRealm}}` },
        },
        {
          ...{ title: 'Reconnects', unit: 's', about: 'How long players were gone who came back while their place was kept.' },
          queries: { 'p95 {{cell}}': `realm_cell:reconnect_seconds:p95_15m{${inRealm}}` },
        },
        {
          ...{ title: 'Active archipelagos', unit: 'short', about: 'One in each cell; two for a moment at a takeover.' },
          queries: { '{{cell}}': `sum by (cell) (realm_archipelago_active{${inRealm}})` },
        },
        {
          ...{ title: 'Tokens', unit: 'cps', about: 'Made, and failed by reason.' },
          queries: {
            made: `sum (rate(realm_archipelago_tokens_total{${inRealm}}[$__rate_interval]))`,
            'failed: {{reason}}': rate('realm_archipelago_tokens_failed_total', inRealm, 'reason'),
          },
        },
        {
          ...{ title: 'Members of embedded rooms', unit: 'short', about: 'In realms without LiveKit.' },
          queries: { '{{cell}}': `sum by (cell) (realm_rooms_members{${inRealm}})` },
        },
      ],
    },
    {
      title: 'Services',
      panels: [
        {
          ...{ title: 'Answers of the gatekeeper', unit: 'reqps', about: 'By status.' },
          queries: { '{{status}}': rate('realm_gatekeeper_http_requests_total', inRealm, 'status') },
        },
        {
          ...{ title: 'Scene rooms: time to an answer', unit: 's', about: 'From the request of an explorer to its token.' },
          queries: { 'p95 {{realm}}': `realm:scene_answer_seconds:p95_15m{${inRealm}}` },
        },
        {
          ...{ title: 'NATS reached', unit: 'short', about: '1 while it is.' },
          queries: {
            'connectors {{pod}}': `realm_connector_bus_connected{${inRealm}}`,
            'archipelagos {{pod}}': `realm_archipelago_bus_connected{${inRealm}}`,
          },
        },
        {
          ...{ title: 'CPU', unit: 'short', about: 'Cores; a process uses hardly more than one.' },
          queries: { '{{pod}}': rate('process_cpu_seconds_total', inRealm, 'pod') },
        },
        {
          ...{ title: 'Memory', unit: 'bytes', about: 'Resident memory of each process.' },
          queries: { '{{pod}}': `process_resident_memory_bytes{${inRealm}}` },
        },
        {
          ...{ title: 'Delay of the event loop', unit: 's', about: 'What every message waits before it is read.' },
          queries: { '{{pod}}': `nodejs_eventloop_lag_mean_seconds{${inRealm}}` },
        },
      ],
    },
  ],
}

const operator: Dashboard = {
  uid: 'realm-operator',
  title: 'Realms / Operator',
  about: 'The operator: whether it keeps up with what changes, and with the API server.',
  variables: { namespace: 'realm_operator_leader' },
  rows: [
    {
      title: 'Passes',
      panels: [
        {
          ...{ title: 'Passes', unit: 'cps', about: 'By controller and result.' },
          queries: { '{{controller}} {{result}}': rate('controller_runtime_reconcile_total', inOperator, 'controller, result') },
        },
        {
          ...{ title: 'Duration of a pass', unit: 's', about: 'By controller.' },
          queries: {
            'p95 {{controller}}': quantile(0.95, 'controller_runtime_reconcile_time_seconds', inOperator, 'controller'),
          },
        },
        {
          ...{ title: 'Workers', unit: 'short', about: 'Passes under way, and how many there may be.' },
          queries: {
            '{{controller}}': `sum by (controller) (controller_runtime_active_workers{${inOperator}})`,
            most: `max (controller_runtime_max_concurrent_reconciles{${inOperator}})`,
          },
        },
        {
          ...{ title: 'Queue', unit: 'short', about: 'Objects waiting for a pass.' },
          queries: { '{{name}}': `sum by (name) (workqueue_depth{${inOperator}})` },
        },
        {
          ...{ title: 'Wait in the queue', unit: 's', about: 'Beyond some seconds the operator does not keep up.' },
          queries: { 'p99 {{name}}': quantile(0.99, 'workqueue_queue_duration_seconds', inOperator, 'name') },
        },
        {
          ...{ title: 'Retries', unit: 'cps', about: 'Passes that are tried again because they failed.' },
          queries: { '{{name}}': rate('workqueue_retries_total', inOperator, 'name') },
        },
      ],
    },
    {
      title: 'API server',
      panels: [
        {
          ...{ title: 'Requests', unit: 'reqps', about: 'By method and answer.' },
          queries: { '{{method}} {{code}}': rate('rest_client_requests_total', inOperator, 'method, code') },
        },
        {
          ...{ title: 'Time to an answer', unit: 's', about: 'By method.' },
          queries: { 'p95 {{verb}}': quantile(0.95, 'rest_client_request_duration_seconds', inOperator, 'verb') },
        },
        {
          ...{ title: 'Age of the last event', unit: 's', about: 'The API server sends one every few minutes at least.' },
          queries: { '{{kind}}': `time() - max by (kind) (realm_operator_kube_last_event_timestamp_seconds{${inOperator}} > 0)` },
        },
        {
          ...{ title: 'Lists and broken watches', unit: 'cps', about: 'Many of them are a load for the API server.' },
          queries: {
            'lists {{kind}}': rate('realm_operator_kube_relists_total', inOperator, 'kind'),
            'broken watches {{kind}}': rate('realm_operator_kube_watch_restarts_total', inOperator, 'kind'),
          },
        },
        {
          ...{ title: 'Repairs', unit: 'cps', about: 'Objects of realms that another editor changed.' },
          queries: { '{{kind}}': rate('realm_operator_drift_repairs_total', inOperator, 'kind') },
        },
        {
          ...{ title: 'Events', unit: 'cps', about: 'Written about realms, by reason.' },
          queries: { '{{reason}}': rate('realm_operator_events_total', inOperator, 'reason') },
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          ...{ title: 'Leader', unit: 'short', about: 'One replica leads, the others are on standby.' },
          queries: { '{{pod}}': `leader_election_master_status{${inOperator}}` },
        },
        {
          ...{ title: 'Memory', unit: 'bytes', about: 'About 120 MB per 1000 realms.' },
          queries: { '{{pod}}': `process_resident_memory_bytes{${inOperator}} and on (namespace, pod) realm_operator_leader` },
        },
        {
          ...{ title: 'CPU', unit: 'short', about: 'Cores.' },
          queries: {
            '{{pod}}': `rate(process_cpu_seconds_total{${inOperator}}[$__rate_interval]) and on (namespace, pod) realm_operator_leader`,
          },
        },
      ],
    },
  ],
}

/** The dashboards of the chart. */
export const dashboards: readonly Dashboard[] = [fleet, realm, operator]

/** The files of the dashboards, with the text each should have now. */
export const dashboardFiles: Readonly<Record<string, () => string>> = Object.fromEntries(
  dashboards.map((dashboard) => [`helm/files/dashboards/${dashboard.uid}.json`, () => dashboardJson(dashboard)]),
)
