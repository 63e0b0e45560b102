/** Series as `promtool` has them: the name with its labels, and the values minute by minute (`0+1x30` = 0, 1, 2 … 30). */
type Series = Readonly<Record<string, string>>

/** When an alert fires, and what looks like it and is none. */
export interface AlertCase {
  fires: {
    series: Series
    /** Minutes after the beginning: not before its `for` is over. */
    at: number
    /** Of the alert, besides its severity. */
    labels?: Readonly<Record<string, string>>
    summary: string
  }
  silent: { series: Series; at: number; why: string }
}

const cell = 'namespace="city",realm="main",cell="main-0"'
const ofCell = { namespace: 'city', realm: 'main', cell: 'main-0' }
const replica = 'namespace="ops",pod="operator-a"'
const ofReplica = { namespace: 'ops', pod: 'operator-a' }
const pod = `${cell},pod="main-0-x"`
const ofPod = { ...ofCell, pod: 'main-0-x' }
const leads = { [`realm_operator_leader{${replica}}`]: '1x60' }
const follows = { [`realm_operator_leader{${replica}}`]: '0x60' }
const condition = (type: string, status: string, reason: string) =>
  `realm_operator_realms_by_condition{${replica},condition="${type}",status="${status}",reason="${reason}"}`
/** A histogram whose observations are all between two bounds. */
const histogram = (name: string, labels: string, above: string, upTo: string): Series => ({
  [`${name}_bucket{${labels},le="${above}"}`]: '0x60',
  [`${name}_bucket{${labels},le="${upTo}"}`]: '0+6x60',
  [`${name}_bucket{${labels},le="+Inf"}`]: '0+6x60',
})

export const alertCases: Readonly<Record<string, AlertCase>> = {
  RealmOperatorDown: {
    fires: { series: {}, at: 6, summary: 'No operator reports metrics.' },
    silent: { series: follows, at: 30, why: 'a replica on standby' },
  },
  RealmOperatorNoLeader: {
    fires: {
      series: {
        'realm_operator_leader{namespace="ops",job="o",pod="a"}': '0x60',
        'realm_operator_leader{namespace="ops",job="o",pod="b"}': '0x60',
      },
      ...{ at: 3, labels: { namespace: 'ops', job: 'o' }, summary: 'No replica of the operator in ops is the leader.' },
    },
    silent: {
      series: {
        'realm_operator_leader{namespace="ops",job="o",pod="a"}': '1 1 0x58',
        'realm_operator_leader{namespace="ops",job="o",pod="b"}': '0 0 0 0 1x56',
      },
      ...{ at: 4, why: 'a hand-over that takes two minutes' },
    },
  },
  RealmOperatorWatchStale: {
    fires: {
      series: { [`realm_operator_kube_last_event_timestamp_seconds{${replica},kind="Realm"}`]: '60x60' },
      ...{ at: 17, labels: { ...ofReplica, kind: 'Realm' } },
      summary: 'The operator operator-a has had no event about Realm for 16m 0s.',
    },
    silent: {
      series: {
        [`realm_operator_kube_last_event_timestamp_seconds{${replica},kind="Realm"}`]: '60+60x60',
        [`realm_operator_kube_last_event_timestamp_seconds{${replica},kind="CommsCell"}`]: '0x60',
      },
      ...{ at: 40, why: 'events, and a kind that is not watched' },
    },
  },
  RealmOperatorReconcileErrors: {
    fires: {
      series: {
        [`controller_runtime_reconcile_errors_total{${replica},controller="realm"}`]: '0+1x60',
        [`controller_runtime_reconcile_total{${replica},controller="realm",result="error"}`]: '0+1x60',
        [`controller_runtime_reconcile_total{${replica},controller="realm",result="success"}`]: '0+4x60',
      },
      ...{
        at: 30,
        labels: { namespace: 'ops', controller: 'realm' },
        summary: '20% of the passes of the controller realm fail.',
      },
    },
    silent: {
      series: {
        [`controller_runtime_reconcile_errors_total{${replica},controller="realm"}`]: '0+1x60',
        [`controller_runtime_reconcile_total{${replica},controller="realm",result="success"}`]: '0+20x60',
      },
      ...{ at: 32, why: 'one pass in twenty' },
    },
  },
  RealmOperatorQueueSlow: {
    fires: {
      series: histogram('realm_operator_queue_wait_seconds', replica, '10', '60'),
      ...{ at: 30, labels: { namespace: 'ops' }, summary: 'Objects wait 59.5s for the operator.' },
    },
    silent: { series: histogram('realm_operator_queue_wait_seconds', replica, '2', '10'), at: 32, why: 'ten seconds at most' },
  },
  RealmOperatorRequestsFail: {
    fires: {
      series: {
        [`realm_operator_kube_requests_total{${replica},verb="get",status="0"}`]: '0+1x60',
        [`realm_operator_kube_requests_total{${replica},verb="get",status="200"}`]: '0+9x60',
      },
      ...{ at: 30, labels: { namespace: 'ops' }, summary: "10% of the operator's requests to the API server fail." },
    },
    silent: {
      series: {
        [`realm_operator_kube_requests_total{${replica},verb="get",status="404"}`]: '0+9x60',
        [`realm_operator_kube_requests_total{${replica},verb="get",status="409"}`]: '0+9x60',
      },
      ...{ at: 32, why: 'answers that are no failure of the API server' },
    },
  },
  RealmsNotReady: {
    fires: {
      series: { [condition('Ready', 'False', 'A')]: '1x60', [condition('Ready', 'Unknown', 'B')]: '1x60', ...leads },
      ...{ at: 16, labels: ofReplica, summary: '2 realms are not ready.' },
    },
    silent: { series: { [condition('Ready', 'False', 'A')]: '1x60', ...follows }, at: 32, why: 'a replica that does not lead' },
  },
  RealmsStalled: {
    fires: {
      series: { [`realm_operator_realms_stalled{${replica}}`]: '1x60', ...leads },
      ...{ at: 11, labels: ofReplica, summary: '1 realms wait for a person.' },
    },
    silent: {
      series: { [`realm_operator_realms_stalled{${replica}}`]: '1x9 0x50', ...leads },
      at: 10,
      why: 'nine minutes of it',
    },
  },
  RealmsUnpublished: {
    fires: {
      series: { [condition('Published', 'False', 'A')]: '3x60', ...leads },
      ...{ at: 16, labels: ofReplica, summary: '3 realms are not found by explorers.' },
    },
    silent: {
      series: { [condition('Published', 'False', 'NothingToPublish')]: '1x60', ...leads },
      at: 32,
      why: 'realms that are not to be found',
    },
  },
  RealmDependenciesMissing: {
    fires: {
      series: { [condition('DependenciesReady', 'False', 'A')]: '1x60', ...leads },
      ...{ at: 16, labels: ofReplica, summary: '1 realms miss a server that they depend on.' },
    },
    silent: {
      series: { [condition('DependenciesReady', 'Unknown', 'A')]: '1x60', ...leads },
      at: 32,
      why: 'servers that were not looked at',
    },
  },
  RealmProviderDown: {
    fires: { series: {}, at: 6, summary: 'No realm provider reports metrics.' },
    silent: { series: { 'realm_provider_realms{namespace="ops",pod="p"}': '0x60' }, at: 32, why: 'a provider without realms' },
  },
  RealmProviderErrors: {
    fires: {
      series: {
        'realm_provider_http_requests_total{namespace="ops",status="503"}': '0+1x60',
        'realm_provider_http_requests_total{namespace="ops",status="200"}': '0+3x60',
      },
      ...{ at: 30, labels: { namespace: 'ops' }, summary: '25% of the answers of the realm provider are errors.' },
    },
    silent: {
      series: {
        'realm_provider_http_requests_total{namespace="ops",status="404"}': '0+9x60',
        'realm_provider_http_requests_total{namespace="ops",status="200"}': '0+1x60',
      },
      ...{ at: 32, why: 'requests for realms that do not exist' },
    },
  },
  RealmJoinsFail: {
    fires: {
      series: {
        [`realm_connector_joins_total{${cell},outcome="given"}`]: '0+3x60',
        [`realm_connector_joins_total{${cell},outcome="missed"}`]: '0+1x60',
      },
      ...{ at: 30, labels: ofCell, summary: 'Only 75% of the players who enter main get an island.' },
    },
    silent: {
      series: {
        [`realm_connector_joins_total{${cell},outcome="given"}`]: '0+0.3x60',
        [`realm_connector_joins_total{${cell},outcome="missed"}`]: '0+0.1x60',
      },
      ...{ at: 32, why: 'six players in a quarter of an hour' },
    },
  },
  RealmJoinsSlow: {
    fires: {
      series: histogram('realm_connector_join_seconds', cell, '5', '10'),
      ...{ at: 40, labels: ofCell, summary: 'Players wait 9.75s for their first island in main.' },
    },
    silent: { series: histogram('realm_connector_join_seconds', cell, '1', '2'), at: 32, why: 'one flush' },
  },
  RealmArchipelagoSilent: {
    fires: {
      series: { [`realm_archipelago_active{${cell},pod="a"}`]: '0x60', [`realm_archipelago_active{${cell},pod="b"}`]: '0x60' },
      ...{ at: 2, labels: ofCell, summary: 'No archipelago of main is active.' },
    },
    silent: {
      series: { [`realm_archipelago_active{${cell},pod="a"}`]: '0x60', [`realm_archipelago_active{${cell},pod="b"}`]: '1x60' },
      ...{ at: 32, why: 'one of two is' },
    },
  },
  RealmArchipelagoTwoActive: {
    fires: {
      series: { [`realm_archipelago_active{${cell},pod="a"}`]: '1x60', [`realm_archipelago_active{${cell},pod="b"}`]: '1x60' },
      ...{ at: 3, labels: ofCell, summary: '2 archipelagos of main take themselves for the active one.' },
    },
    silent: {
      series: {
        [`realm_archipelago_active{${cell},pod="a"}`]: '1x60',
        [`realm_archipelago_active{${cell},pod="b"}`]: '0 1 0x58',
        'realm_archipelago_active{namespace="city",realm="main",cell="main-1",pod="c"}': '1x60',
      },
      ...{ at: 32, why: 'a take-over, and one in each of two cells' },
    },
  },
  RealmFlushesLate: {
    fires: {
      series: { [`realm_archipelago_flushes_late_total{${pod}}`]: '0+6x60' },
      ...{ at: 30, labels: ofCell, summary: 'The archipelago of main needs longer for a flush than it has.' },
    },
    silent: { series: { [`realm_archipelago_flushes_late_total{${pod}}`]: '0+1x60' }, at: 32, why: 'one flush in thirty' },
  },
  RealmConnectorSaturated: {
    fires: {
      series: { [`realm_connector_connections{${pod}}`]: '950x60', [`realm_connector_connections_max{${pod}}`]: '1000x60' },
      ...{ at: 6, labels: ofPod, summary: 'The connector main-0-x of main has 95% of its connections.' },
    },
    silent: {
      series: { [`realm_connector_connections{${pod}}`]: '850x60', [`realm_connector_connections_max{${pod}}`]: '1000x60' },
      ...{ at: 32, why: 'room for 150 more' },
    },
  },
  RealmBusUnreachable: {
    fires: {
      series: { [`realm_archipelago_bus_connected{${pod}}`]: '0x60' },
      ...{ at: 3, labels: ofPod, summary: 'The pod main-0-x of main cannot reach NATS.' },
    },
    silent: { series: { [`realm_connector_bus_connected{${pod}}`]: '1 0 1x58' }, at: 32, why: 'a server of NATS that restarted' },
  },
  RealmTokensFail: {
    fires: {
      series: { [`realm_archipelago_tokens_failed_total{${pod},reason="deadline"}`]: '0+1x60' },
      ...{ at: 30, labels: ofCell, summary: 'The archipelago of main cannot make tokens of rooms.' },
    },
    silent: {
      series: { [`realm_archipelago_tokens_failed_total{${pod},reason="refused"}`]: '0+1x60' },
      at: 32,
      why: 'players who may not enter',
    },
  },
  RealmServiceErrors: {
    fires: {
      series: {
        'realm_gatekeeper_http_requests_total{namespace="city",realm="main",component="gatekeeper",status="500"}': '0+1x60',
        'realm_gatekeeper_http_requests_total{namespace="city",realm="main",component="gatekeeper",status="200"}': '0+1x60',
      },
      ...{ at: 30, labels: { namespace: 'city', realm: 'main', component: 'gatekeeper' } },
      summary: '50% of the answers of the gatekeeper of main are errors.',
    },
    silent: {
      series: { 'realm_stats_http_requests_total{namespace="city",realm="main",component="stats",status="404"}': '0+1x60' },
      ...{ at: 32, why: 'requests for what does not exist' },
    },
  },
  RealmServiceBugs: {
    fires: {
      series: { [`realm_connector_bugs_total{${pod},scope="message"}`]: '_x20 1x40' },
      ...{ at: 30, labels: { namespace: 'city', pod: 'main-0-x' }, summary: 'The pod main-0-x met a bug.' },
    },
    silent: { series: { [`realm_connector_bugs_total{${pod},scope="message"}`]: '_x5 1x55' }, at: 32, why: 'a bug of long ago' },
  },
  RealmBusy: {
    fires: {
      series: { [`nodejs_eventloop_lag_mean_seconds{${pod}}`]: '0.5x60' },
      ...{ at: 11, labels: ofPod, summary: 'The pod main-0-x of main answers with a delay of 500ms.' },
    },
    silent: {
      series: { 'nodejs_eventloop_lag_mean_seconds{namespace="other",pod="x"}': '0.5x60' },
      at: 32,
      why: 'a program of others',
    },
  },
  RealmNotReady: {
    fires: {
      series: { 'realm_status_condition{type="Ready",name="main",exported_namespace="city"}': '0x60' },
      ...{ at: 16, labels: { type: 'Ready', name: 'main', exported_namespace: 'city' }, summary: 'The realm main is not ready.' },
    },
    silent: {
      series: { 'realm_status_condition{type="Stalled",name="main",exported_namespace="city"}': '0x60' },
      at: 32,
      why: 'another condition',
    },
  },
}

/** Each record with its labels, and its value after half an hour. */
export const recordCases: Readonly<Record<string, { series: Series; labels: string; value: number }>> = {
  'realm:players:sum': {
    series: { [`realm_connector_players{${cell},pod="a"}`]: '3x60', [`realm_connector_players{${cell},pod="b"}`]: '4x60' },
    ...{ labels: 'namespace="city",realm="main"', value: 7 },
  },
  'realm_cell:joins:rate15m': {
    series: { [`realm_connector_joins_total{${pod},outcome="given"}`]: '0+60x60' },
    ...{ labels: `${cell},outcome="given"`, value: 1 },
  },
  'realm_cell:join_success:ratio15m': {
    series: {
      [`realm_connector_joins_total{${pod},outcome="given"}`]: '0+3x60',
      [`realm_connector_joins_total{${pod},outcome="missed"}`]: '0+1x60',
    },
    ...{ labels: cell, value: 0.75 },
  },
  'realm_cell:join_seconds:p95_15m': {
    series: histogram('realm_connector_join_seconds', pod, '1', '2'),
    ...{ labels: cell, value: 1.95 },
  },
  'realm_cell:island_change_seconds:p95_15m': {
    series: histogram('realm_archipelago_island_change_seconds', pod, '1', '2'),
    ...{ labels: cell, value: 1.95 },
  },
  'realm_cell:reconnect_seconds:p95_15m': {
    series: {
      ...histogram('realm_archipelago_reconnect_seconds', `${cell},pod="active"`, '1', '2'),
      ...histogram('realm_archipelago_reconnect_seconds', `${cell},pod="standby"`, '5', '10'),
      [`realm_archipelago_active{${cell},pod="active"}`]: '1x60',
      [`realm_archipelago_active{${cell},pod="standby"}`]: '0x60',
    },
    ...{ labels: cell, value: 1.95 },
  },
  'realm:scene_answer_seconds:p95_15m': {
    series: histogram('realm_gatekeeper_scene_answer_seconds', 'namespace="city",realm="main",pod="g"', '1', '2'),
    ...{ labels: 'namespace="city",realm="main"', value: 1.95 },
  },
  'realm_provider:about_seconds:p99_15m': {
    series: histogram('realm_provider_about_seconds', 'namespace="ops",pod="p"', '0', '1'),
    ...{ labels: 'namespace="ops"', value: 0.99 },
  },
  'realm_operator:publication_seconds:p95_1h': {
    series: histogram('realm_operator_publication_seconds', replica, '1', '2'),
    ...{ labels: 'namespace="ops"', value: 1.95 },
  },
  'realm_cell:active_archipelagos:sum': {
    series: { [`realm_archipelago_active{${cell},pod="a"}`]: '1x60', [`realm_archipelago_active{${cell},pod="b"}`]: '0x60' },
    ...{ labels: cell, value: 1 },
  },
  'controller:reconcile_errors:ratio10m': {
    series: {
      'controller_runtime_reconcile_errors_total{namespace="ops",controller="realm"}': '0+1x60',
      'controller_runtime_reconcile_total{namespace="ops",controller="realm",result="success"}': '0+4x60',
    },
    ...{ labels: 'namespace="ops",controller="realm"', value: 0.25 },
  },
  'realm_operator:queue_wait_seconds:p99_10m': {
    series: histogram('realm_operator_queue_wait_seconds', replica, '0', '1'),
    ...{ labels: 'namespace="ops"', value: 0.99 },
  },
  'pod:realm_bugs:sum': {
    series: {
      [`realm_connector_bugs_total{${pod},scope="a"}`]: '1x60',
      [`realm_connector_bugs_total{${pod},scope="b"}`]: '2x60',
    },
    ...{ labels: 'namespace="city",pod="main-0-x"', value: 3 },
  },
}
