/**
 * Where a person looks who meets a reason: commands that change nothing, since people copy all of them at once. In them NAME is the Realm,
 * CELL the CommsCell and NS the namespace.
 */
export interface Steps {
  look: readonly string[]
  /** Sentences after what to do, also with commands that change something; links are relative to docs/troubleshooting/. */
  more?: string
}

const status = 'realmctl status NAME -n NS'
const events = 'kubectl events -n NS --for realm/NAME'
const cells = 'kubectl get commscells -n NS -o wide'
const pods = 'kubectl get pods -n NS -l comms.decentraland.org/realm=NAME -o wide'
const logsOf = (component: string) =>
  `kubectl logs -n NS -l comms.decentraland.org/realm=NAME,app.kubernetes.io/component=${component} --tail=50 --prefix`
/** A Compact cell has its archipelago in the pods of its connectors. */
const archipelagoLogs =
  "kubectl logs -n NS -l 'comms.decentraland.org/realm=NAME,app.kubernetes.io/component in (archipelago,connector)' --tail=50 --prefix"
const operatorLogs = 'kubectl logs -n realm-operator -l app.kubernetes.io/name=operator --tail=100 --prefix'
const providerLogs = 'kubectl logs -n realm-operator -l app.kubernetes.io/name=provider --tail=100 --prefix'
const messageOf = (condition: string) =>
  `kubectl get realm NAME -n NS -o jsonpath='{.status.conditions[?(@.type=="${condition}")].message}'`
const relay = "kubectl get realm NAME -n NS -o jsonpath='{.status.movement}'"
const certificate = 'openssl s_client -connect HOST:443 -servername HOST -showcerts </dev/null'
const routes = 'kubectl get httproutes -n NS -o yaml'
const gateways = 'kubectl get gateways -A'

const UNDO = '`realmctl rollout undo NAME -n NS` goes back to the version before'
const TAKE_BACK = '`realmctl uncordon CELL -n NS` takes it back.'

/** Steps for every reason that asks something of a person; a test compares the list with the catalogue. */
export const reasonSteps: Readonly<Record<string, Steps>> = {
  PodsFailing: {
    look: [status, pods, 'kubectl describe pod POD -n NS', 'kubectl logs POD -n NS --previous'],
    more: 'An image that cannot be pulled: `spec.version` is the tag, `image.repository` of the chart the name. Exit code 2: the environment is wrong, and the log names each variable. 137: killed for memory; raise `resources.limits.memory`. All [exit codes](../reference/codes.md#exit-codes).',
  },
  PodsRefused: {
    look: [
      status,
      'kubectl get resourcequotas,limitranges -n NS',
      'kubectl get events -n NS --field-selector reason=FailedCreate',
    ],
    more: 'Each container can be given `resources`: [which field](../install.md#realms-on-your-platform).',
  },
  SecretMissing: {
    look: [status, 'kubectl get secrets -n NS'],
    more: 'The message has the name of the Secret and of the key. The operator cannot read Secrets; pods start by themselves when the kubelet finds it, within two minutes. If it is one of the operator, such as `NAME-nats-users`, and was deleted, the operator makes it anew.',
  },
  ApplyRefused: {
    look: [messageOf('Stalled'), events],
    more: 'An object that the operator did not create keeps its owner: rename the Realm, or delete the object if nothing needs it.',
  },
  BusMissing: { look: ['kubectl get commscell CELL -n NS -o yaml'], more: 'Only cells that you wrote yourself can lack it.' },
  CrdOutdated: {
    look: ['kubectl get crd realms.comms.decentraland.org commscells.comms.decentraland.org'],
    more: '`kubectl apply --server-side -f crds/`, from the release of the operator; `helm upgrade` does it unless `crds.install` is false.',
  },
  Retrying: { look: [messageOf('Reconciling'), operatorLogs] },
  RolloutPaused: { look: ['realmctl rollout status NAME -n NS'], more: '`realmctl rollout resume NAME -n NS` goes on.' },
  AwaitingPromotion: {
    look: ['realmctl rollout status NAME -n NS', 'kubectl get commscells -n NS -o wide'],
    more: '`realmctl rollout resume NAME -n NS` goes on, `realmctl rollout undo NAME -n NS` goes back. See [roll out a version](../guides/roll-out.md).',
  },
  Stalled: { look: [messageOf('Stalled')] },
  CellsNotReady: { look: [status, cells] },
  ServicesNotReady: { look: [status, pods, logsOf('gatekeeper')] },
  HostNotUsable: {
    look: [messageOf('Stalled'), 'kubectl get realms -n NS'],
    more: 'See [many worlds, one gatekeeper](../worlds.md#many-worlds-one-gatekeeper).',
  },
  AddressTaken: { look: [messageOf('Stalled'), 'kubectl get realms -A -o wide'] },
  Hibernated: { look: [status], more: '`realmctl scale NAME -n NS --cells 1` wakes it.' },
  ApplyFailed: { look: [messageOf('Stalled'), messageOf('Reconciling')] },
  WaitingForProvider: {
    look: [messageOf('Published'), 'kubectl get pods -n realm-operator', providerLogs],
    more: 'It lasts some seconds after a change. A realm provider whose `watchNamespaces` leave out this namespace never serves it.',
  },
  ProviderUnreachable: {
    look: [messageOf('Published'), 'kubectl get pods,services -n realm-operator', operatorLogs],
    more: 'For a provider of another cluster: does `publication.providers` of the chart name its URL with the right token, and does the operator get out by a proxy ([behind a proxy](../install.md#behind-a-proxy))?',
  },
  ProviderNotConfigured: {
    look: ['helm get values realm-operator -n realm-operator', messageOf('Published')],
    more: 'See [several clusters](../guides/several-clusters.md).',
  },
  NameTaken: {
    look: [messageOf('Published'), 'kubectl get realms -A -o wide'],
    more: 'The oldest Realm has the name, also while it hibernates.',
  },
  NothingToPublish: { look: [status, cells] },
  WaitingForPublication: { look: [messageOf('Published')] },
  Unreachable: {
    look: [messageOf('DependenciesReady'), 'helm get values realm-operator -n realm-operator', operatorLogs],
    more: 'To see why, set `logLevel: debug` of the chart for a while. A status tells tenants nothing of the network behind a URL, which is why it has no cause.',
  },
  WebhooksMissing: {
    look: [messageOf('DependenciesReady'), logsOf('gatekeeper')],
    more: 'See [External LiveKit](../guides/servers-of-yours.md#livekit).',
  },
  MediaAddressMissing: {
    look: [messageOf('DependenciesReady'), 'kubectl describe service NAME-livekit-media -n NS'],
    more: 'See [LiveKit for players outside](../guides/expose.md#livekit).',
  },
  NotReady: { look: [status, logsOf('nats'), logsOf('livekit')] },
  ExpiresSoon: { look: [messageOf('CertificateValid'), certificate, 'kubectl get certificates -n NS'] },
  Expired: { look: [messageOf('CertificateValid'), certificate, 'kubectl get certificates -n NS'] },
  NotYetValid: { look: [messageOf('CertificateValid'), certificate, 'date'] },
  OtherHost: { look: [messageOf('CertificateValid'), certificate, 'kubectl get ingress,certificates -n NS'] },
  Untrusted: { look: [messageOf('CertificateValid'), certificate] },
  NotReached: {
    look: [messageOf('CertificateValid'), 'kubectl get ingress -n NS'],
    more: 'Does the name resolve, and does the Ingress have an address? [Expose a realm](../guides/expose.md) has the whole path.',
  },
  NotAccepted: {
    look: [messageOf('RouteAccepted'), routes, gateways],
    more: 'What a Gateway and its controller need: [networking](../networking.md#a-gateway).',
  },
  BackendsNotResolved: { look: [messageOf('RouteAccepted'), routes, 'kubectl get services -n NS'] },
  NotAnswered: { look: [messageOf('RouteAccepted'), gateways, 'kubectl get gatewayclasses'] },
  NoAddress: {
    look: [messageOf('RouteAccepted'), 'kubectl describe ingress NAME -n NS', 'kubectl get ingressclasses'],
    more: 'What each controller needs: [networking](../networking.md#what-keeps-sockets-open).',
  },
  AddressPending: {
    look: [messageOf('RouteAccepted'), 'kubectl describe service NAME-proxy -n NS'],
    more: 'What provides load balancers in each cluster: [expose](../guides/expose.md#a-load-balancer-of-its-own).',
  },
  ClassMissing: { look: ['kubectl get ingressclasses'] },
  GatewayMissing: { look: [gateways] },
  GatewayApiMissing: { look: ['kubectl get crd httproutes.gateway.networking.k8s.io gateways.gateway.networking.k8s.io'] },
  EndsWithPod: {
    look: [messageOf('DataDurable')],
    more: 'A gatekeeper that moves to a volume begins with an empty database: set it from the start. See [backup](../guides/backup.md).',
  },
  NoTls: {
    look: ["kubectl get realm NAME -n NS -o jsonpath='{.spec.exposure}'"],
    more: 'Where TLS ends in front of the Ingress, set `exposure.tls: Terminated`. See [expose](../guides/expose.md).',
  },
  EmbeddedRooms: {
    look: ["kubectl get realm NAME -n NS -o jsonpath='{.spec.livekit}'"],
    more: 'See [explorers](../explorers.md#what-works).',
  },
  InsideClusterOnly: {
    look: ["kubectl get realm NAME -n NS -o jsonpath='{.status.urls}'"],
    more: 'See [expose](../guides/expose.md).',
  },
  SeveralScenes: { look: ["kubectl get realm NAME -n NS -o jsonpath='{.spec.world.scenes}'"] },
  Full: {
    look: [relay, messageOf('MovementReachable')],
    more: 'See [how many players a relay carries](../explorers.md#how-many-players-a-relay-carries).',
  },
  NoAnswer: {
    look: [
      relay,
      'kubectl get pods,services -n realm-operator -l app.kubernetes.io/name=movement',
      messageOf('MovementReachable'),
    ],
    more: 'See [players stand still](symptoms.md#players-stand-still).',
  },
  HostNotResolved: { look: [relay, messageOf('MovementReachable')] },
  NotConfigured: {
    look: ['helm get values realm-operator -n realm-operator'],
    more: 'See [where a relay runs](../explorers.md#where-a-relay-runs).',
  },
  NoCellServing: { look: [status, cells] },
  WorldNotServed: { look: [status, logsOf('gatekeeper')] },
  JoinFailed: {
    look: [messageOf('Stalled'), cells, archipelagoLogs],
    more: 'The old cell serves meanwhile. Where the operator has no way to the pods, as outside of a mesh with strict mTLS, set `rollout.joinProbe: None`.',
  },
  ProgressDeadlineExceeded: { look: [cells, pods], more: `${UNDO}.` },
  NewCellsUnhealthy: { look: [cells, pods], more: `${UNDO}.` },
  JoinRateTooLow: {
    look: [messageOf('Stalled'), cells, archipelagoLogs],
    more: `${UNDO}. See [the join success rate](../scaling.md#the-join-success-rate), and the runbook [RealmJoinsFail](../runbooks/RealmJoinsFail.md).`,
  },
  NoSlotFree: { look: [cells] },
  PodsWaiting: { look: ['kubectl describe commscell CELL -n NS', pods, 'kubectl get nodes'] },
  Starting: { look: ['kubectl describe commscell CELL -n NS', pods] },
  Updating: { look: ['kubectl describe commscell CELL -n NS', pods] },
  ConnectorsNotReady: { look: ['kubectl describe commscell CELL -n NS', logsOf('connector')] },
  ArchipelagoNotReady: { look: ['kubectl describe commscell CELL -n NS', archipelagoLogs] },
  Drained: { look: [cells], more: TAKE_BACK },
  CordonRequested: { look: [cells], more: TAKE_BACK },
}
