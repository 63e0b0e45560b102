import type { CellReasons, RealmReasons } from '../../crds/realm.ts'

/** When a reason is given, and what a person can do about it; nothing where there is nothing to do. */
export type Explanation = readonly [when: string, action?: string]

/** Conditions, with a sentence on what each says and every reason it can have. */
type Explained<Reasons> = { readonly [Type in keyof Reasons]: { says: string; reasons: Explanations<Reasons[Type]> } }
type Explanations<Reason> = Readonly<Record<Reason & string, Explanation>>

const noAction = 'Nothing: the operator is at work. If it lasts, read the conditions of the cells.'

const workloadBlockers: Explanations<
  'PodsFailing' | 'PodsRefused' | 'SecretMissing' | 'ApplyRefused' | 'BusMissing' | 'CrdOutdated'
> = {
  PodsFailing: [
    'Pods do not start, or exit again and again.',
    'The message has the last error of a pod. Correct what it names, for example an image that cannot be pulled; `kubectl logs` has more.',
  ],
  PodsRefused: [
    'The API server does not admit the pods.',
    'Raise the ResourceQuota or LimitRange, or change the admission policy that the message names.',
  ],
  SecretMissing: ['Pods wait for a Secret that does not exist, or that lacks a key.', 'Create the Secret, or correct its name.'],
  ApplyRefused: [
    'The API server refuses an object, or an object of its name exists that the operator did not create.',
    'Correct the field that the message names, or remove the other object. If access is forbidden, upgrade the chart with its roles.',
  ],
  BusMissing: ['The CommsCell names no NATS.', 'Name one in the spec of the cell.'],
  CrdOutdated: [
    'The CRD in the cluster, of Realms or of CommsCells as the message says, is older than the operator and does not know the fields it names.',
    'Apply the CRDs of the release of the operator. The operator notices within a minute.',
  ],
}

/** Reasons of Progressing and of Reconciling. */
const realmProgress: Explanations<RealmReasons['Progressing']> = {
  CellsStarting: ['Cells are being created, changed or removed.', noAction],
  CellsDraining: ['Players of a cell are being moved to other cells before it is removed.', 'Nothing: it ends by itself.'],
  RollingOut: ['Cells are being replaced by cells of a new revision.', noAction],
  ServicesStarting: [
    'The gatekeeper, the statistics, NATS, LiveKit or the proxy of a load balancer are being created or changed.',
    noAction,
  ],
  AddressPending: [
    'The load balancer of a realm without `exposure.host` has no address yet. Cells start once it has, because their URLs name it.',
    'Read the condition `RouteAccepted`.',
  ],
  WaitingForPublication: ['Players could connect, but the realm is not published yet.', 'Read the condition `Published`.'],
  Retrying: [
    'An attempt to write an object failed in a way that may pass; the operator tries again.',
    'If it lasts, look at the API server with the error of the message.',
  ],
  RolloutPaused: ['What runs stays as it is because of `rollout.paused`.', 'Set it to false to go on.'],
  AwaitingPromotion: [
    'As many slots as `rollout.canaryCells` have the new revision.',
    'Raise or remove that number to go on, or set the change back.',
  ],
  Settled: ['The realm is as its spec says.'],
  Stalled: ['The operator cannot go on.', 'Read the condition `Stalled`.'],
}

/** The conditions of a Realm. */
export const realmConditions: Explained<RealmReasons> = {
  Ready: {
    says: 'Every cell and every service of the realm works. A hibernated realm is ready once its last cell is gone.',
    reasons: {
      AllServing: ['All cells serve players and all services are ready.'],
      CellsNotReady: [
        'Fewer cells serve players than the realm should have.',
        'Read `Stalled`, then the conditions of the CommsCells.',
      ],
      ServicesNotReady: [
        'A service has no ready pod; the message names it.',
        'Read `Stalled`; `kubectl logs` of the service has more.',
      ],
      HostNotUsable: ['The Realm that `world.gatekeeperOf` names cannot serve this world.', 'Read `Stalled`.'],
      AddressPending: [
        'The load balancer of a realm without `exposure.host` has no address yet.',
        'Read the condition `RouteAccepted`.',
      ],
      AddressTaken: ['Another realm has the public address of this one.', 'Read `Stalled`.'],
      Hibernated: ['`cells.replicas` is 0 and no cell runs.', 'Scale the realm to wake it.'],
      ApplyFailed: ['An object could not be written; the message has the error.', 'Read `Stalled`.'],
    },
  },
  Published: {
    says: 'The realm provider was seen serving this realm with these endpoints, and so were the providers of `publication.providers`.',
    reasons: {
      ServedByProvider: ['The providers serve the realm.'],
      WaitingForProvider: [
        'A provider does not serve the realm yet.',
        'Nothing at first. If it lasts, look at the logs of the provider.',
      ],
      ProviderUnreachable: [
        'The operator cannot reach a provider. Players may still reach it.',
        'Check that the provider runs, and that the operator can connect to the URL of the message.',
      ],
      ProviderNotConfigured: [
        'The realm names a provider that the operator was not configured for.',
        'Add it to `publication.providers` in the values of the chart, or remove it from the realm.',
      ],
      AddressTaken: [
        'Another realm has the same `exposure.host` or `exposure.url`, and had it first. This realm has no Ingress and is not published meanwhile.',
        'Choose another one, or remove the other realm.',
      ],
      NameTaken: ['Another realm is published under the same name.', 'Choose another `realmName`, or remove the other realm.'],
      NothingToPublish: ['No cell serves players.', 'Read `Ready`.'],
    },
  },
  DependenciesReady: {
    says: 'The NATS and the LiveKit of the realm are ready or, if they are external, reachable from the operator.',
    reasons: {
      Reachable: ['All are ready or reachable.'],
      Unreachable: [
        'An external one cannot be reached from the operator, or does not answer as a NATS or LiveKit does. The reason is only in the log of the operator, at level debug.',
        'Check its URL and the network. Where the operator has no route to it by design, set `operator.checkDependencies` of the chart to false.',
      ],
      WebhooksMissing: [
        'The LiveKit sends no webhooks to the gatekeeper although players are in its rooms. Players can play; bans and voice chats follow within minutes instead of at once.',
        'Add the URL in the message to `webhook.urls` in the configuration of that LiveKit, with an API key of the Secret in `livekit.credentials`.',
      ],
      MediaAddressMissing: [
        'The Managed LiveKit has a `livekit.service` of type LoadBalancer, which has no IP address. LiveKit tells players its address itself, so it starts once it has one; a LiveKit that runs already goes on as it is, and players outside do not hear each other.',
        'Look at the Events of the Service that the message names. Where the load balancer has a host name, as on AWS, give it fixed addresses and name them in `livekit.service.addresses`. Without load balancers, use type NodePort.',
      ],
      NotReady: ['A managed one has no ready pod.', 'Read `Stalled`; look at the pods that the message names.'],
      NotChecked: ['The operator has not checked yet.'],
    },
  },
  CertificateValid: {
    says: 'Players can trust the certificate at the public address, `exposure.host` or `exposure.url`, as far as the operator sees it. Absent where they do not use HTTPS at port 443. No other condition depends on it.',
    reasons: {
      Valid: ['The certificate is for the host, current, and signed by a trusted authority.'],
      ExpiresSoon: [
        'Less than 14 days, or a sixth of its time, are left, and nothing has renewed it yet.',
        'Renew it, or look at what should have, such as the Certificate of cert-manager.',
      ],
      Expired: ['Its time is over, so explorers refuse to connect.', 'Renew it, or look at what should have.'],
      NotYetValid: ['Its time begins in the future.', 'Compare the clocks of the machines, or use another certificate.'],
      OtherHost: [
        'The certificate is for another host, or is the one that the Ingress controller made for itself: the Secret `exposure.tlsSecretName` is missing or wrong.',
        'Create the Secret, of type kubernetes.io/tls, with a certificate for the host. Right after the creation of a realm, cert-manager may still be at work.',
      ],
      Untrusted: [
        'The operator does not trust the authority that signed it, or the proxy leaves out the certificates in between.',
        'Use a public authority, and put the whole chain into `tls.crt`. Where explorers trust an authority of yours, give it to the operator with `caCertificates` of the chart.',
      ],
      NotReached: [
        'The operator cannot begin a TLS connection at the public address.',
        'Players may be able to. Where the operator has no route by design, set `operator.checkDependencies` of the chart to false.',
      ],
      NotChecked: ['The operator has not checked yet.'],
    },
  },
  RouteAccepted: {
    says: 'The controller of the Ingress, or of the Gateway that `exposure.gateway` names, serves the realm at its host; of a realm with a load balancer of its own, that has an address. Absent for a realm without routes of the operator. No other condition depends on it.',
    reasons: {
      Accepted: [
        'A controller has written its address into the Ingress, or into the Service of the load balancer, or has accepted every HTTPRoute.',
      ],
      Waiting: [
        'The routes were created or changed within the last 25 s, and no controller has answered.',
        'Nothing: it ends by itself.',
      ],
      NotAccepted: [
        'The controller of the Gateway refuses an HTTPRoute; the message has its reason.',
        'The message says what to change for the reasons of the Gateway API. `UnsupportedValue` of a controller without time-outs, such as that of GKE: `exposure.gateway.requestTimeout: Unset`.',
      ],
      BackendsNotResolved: [
        'The controller of the Gateway cannot find, or may not use, a Service of the realm.',
        'Read `Stalled`; if it says nothing, look at the log of the controller.',
      ],
      NotAnswered: [
        'No controller has answered for an HTTPRoute within 25 s.',
        'See that the Gateway exists, that its `gatewayClassName` belongs to a controller that runs, and that the controller watches this namespace.',
      ],
      NoAddress: [
        'No controller has written an address into the Ingress within 25 s. Some publish none, and serve it nevertheless.',
        'See that the controller of the class runs. Have it publish its address: `controller.publishService` of ingress-nginx, `providers.kubernetesIngress.publishedService` of Traefik.',
      ],
      AddressPending: [
        'The load balancer of the realm has no address in the status of its Service, or has lost it. Without `exposure.host`, the cells of a new realm wait for it.',
        'See what the controller of load balancers says of the Service. Where the cluster has none, choose another `exposure.type`.',
      ],
      ClassMissing: [
        'There is no IngressClass of the name in `exposure.className`.',
        'Choose one that `kubectl get ingressclass` lists.',
      ],
      GatewayMissing: [
        'The Gateway that `exposure.gateway` names does not exist.',
        'Create it, or correct the name and the namespace.',
      ],
      GatewayApiMissing: [
        'The API server has no HTTPRoutes of `gateway.networking.k8s.io/v1`.',
        'Install the CRDs of the Gateway API, version 1.2 or newer, and a controller. The operator creates the routes within 15 s.',
      ],
    },
  },
  DataDurable: {
    says: 'Bans and what is recorded for moderators outlive the pod of the gatekeeper. No other condition depends on it.',
    reasons: {
      ExternalDatabase: ['The gatekeeper uses a PostgreSQL server of yours.'],
      OnVolume: ['The files of the embedded database are in a PersistentVolumeClaim.'],
      NoGatekeeper: ['`gatekeeper.replicas` is 0.'],
      EndsWithPod: [
        'The files of the embedded database are in the pod of the gatekeeper: an upgrade, an eviction or a lost node ends them.',
        'Set `gatekeeper.database.storage`, or use an External database. A realm without bans needs neither.',
      ],
    },
  },
  ExplorersSupported: {
    says: 'Unity, Bevy and Godot explorers can enter the realm, as far as its spec says. No other condition depends on it: the realm works for the others.',
    reasons: {
      AllExplorers: ['The realm has LiveKit rooms, and an address with TLS.'],
      NoTls: [
        'The realm has an address without TLS, so that its `/about` names `ws://`. The explorer of Unity throws an error there, and stays without communications.',
        'Set `exposure.tlsSecretName`, or an `exposure.url` with https.',
      ],
      EmbeddedRooms: ['`livekit.type` is None: only Bevy enters such rooms.', 'Name a LiveKit, where others should enter.'],
      InsideClusterOnly: [
        'The realm, or its Managed LiveKit, has no address outside the cluster.',
        'Set `exposure.host`, or `exposure.url`; of a Managed LiveKit, `livekit.service`.',
      ],
      SeveralScenes: [
        'A World has several scenes; of such a one, Unity asks the server of Decentraland for the rooms of each scene.',
        'Make a World of each scene, where its players use Unity.',
      ],
    },
  },
  MovementReachable: {
    says: 'The movement relay of the realm accepted a connection of the operator over UDP. No other condition depends on it: players enter, talk and chat without a relay.',
    reasons: {
      Reachable: ['The relay answers. `status.movement` says how explorers are pointed at it.'],
      Full: [
        'The relay answers that it takes no further connection: it has as many as it can have, 4095.',
        'Nothing while players leave again. If it lasts, share the players among several installations.',
      ],
      NoAnswer: [
        'Nothing at the host and port of the relay answers as a relay does. A refusal, silence and another protocol are not told apart.',
        'Check that the relay runs, and that UDP reaches it through load balancers and firewalls. Where only the operator cannot reach it, set `operator.checkDependencies` of the chart to false.',
      ],
      HostNotResolved: [
        'The host of the relay is a name without an address, or a name of the cluster, which players cannot resolve.',
        'Correct `movement.host`, or the record of the name server.',
      ],
      NotChecked: ['The operator has not checked yet, or does not check because of `operator.checkDependencies`.'],
      NotConfigured: [
        'The realm would use the relay of the installation, which has none.',
        'Set `movement.enabled` or `movement.host` of the chart, or name a relay in `spec.movement`.',
      ],
      NoRelay: ['`spec.movement.type` is None.'],
    },
  },
  AcceptingPlayers: {
    says: 'At least one cell takes new players.',
    reasons: {
      CellsServing: ['Players can connect.'],
      NoCellServing: ['No cell serves players.', 'Read `Ready`.'],
      WorldServed: ['The gatekeeper of the world serves it.'],
      WorldNotServed: ['No gatekeeper serves the world.', 'Read `Ready`.'],
      Hibernated: ['`cells.replicas` is 0 and no cell runs.', 'Scale the realm to wake it.'],
    },
  },
  Progressing: { says: 'The operator is changing something at the moment.', reasons: realmProgress },
  Reconciling: {
    says: 'The realm is not yet as its spec says (a condition of kstatus). Unlike `Progressing`, it is True while a rollout waits for a person.',
    reasons: realmProgress,
  },
  Stalled: {
    says: 'The operator cannot go on until a person changes something (a condition of kstatus).',
    reasons: {
      NotStalled: ['Nothing keeps the operator from going on.'],
      ...workloadBlockers,
      AddressTaken: [
        'Another realm has the same `exposure.host` or `exposure.url`, and had it first: this realm has no Ingress and is not published meanwhile. Or it has one of `gatekeeper.hosts`, and the gatekeeper is not reached there.',
        'Choose another one, or remove the other realm.',
      ],
      NameTaken: ['Another realm is published under the same name.', 'Choose another `realmName`, or remove the other realm.'],
      ProviderNotConfigured: [
        'The realm names a provider that the operator was not configured for.',
        'Add it to `publication.providers` in the values of the chart, or remove it from the realm.',
      ],
      JoinFailed: [
        'A new cell is up, and the operator could not join it as a player.',
        'The message says at which step. Correct it, or set the change back. `rollout.joinProbe: None` skips the test.',
      ],
      ProgressDeadlineExceeded: [
        'A new cell was not ready within `rollout.progressDeadlineSeconds`.',
        'Look at its pods, or set the change back. The old cell still serves.',
      ],
      NewCellsUnhealthy: [
        'A cell of the new revision that has a slot does not serve players.',
        'Look at its pods, or set the change back.',
      ],
      JoinRateTooLow: [
        'Fewer of the players who sign in to new cells are given an island than `rollout.minJoinRate` asks for.',
        'Set the change back, or wait: the rollout goes on when the rate has recovered.',
      ],
      NoSlotFree: ['There are fewer free slots than cells asked for.', 'Raise `cells.max`, or remove cells written by hand.'],
      HostNotUsable: [
        'The Realm that `world.gatekeeperOf` names does not exist, or cannot serve this world.',
        'The message says what to change, there or here.',
      ],
    },
  },
}

/** The conditions of a CommsCell. */
export const cellConditions: Explained<CellReasons> = {
  Ready: {
    says: 'The connectors and the archipelago of the cell work, or the cell is drained, as its spec says.',
    reasons: {
      Serving: ['Players can connect, and are grouped into islands.'],
      ConnectorsNotReady: ['No connector pod is ready.', 'Read `Stalled`; `kubectl logs` of the connectors has more.'],
      ArchipelagoNotReady: ['No archipelago pod is ready.', 'Read `Stalled`; `kubectl logs` of the archipelago has more.'],
      ApplyFailed: ['An object could not be written; the message has the error.', 'Read `Stalled`.'],
      Draining: ['The cell is disconnecting its players.'],
      Drained: ['The cell has no connector and no player.', 'Set `desiredState: Serving` to use it again.'],
    },
  },
  Cordoned: {
    says: 'New players are sent to other cells.',
    reasons: {
      NotCordoned: ['New players may be sent to this cell.'],
      CordonRequested: ['`desiredState` is `Draining` or `Drained`.', 'Set `desiredState: Serving` to take it back.'],
    },
  },
  Draining: {
    says: 'The players of the cell are being disconnected, so that they connect to another cell.',
    reasons: {
      NotDraining: ['Players stay connected.'],
      DisconnectingPlayers: ['`desiredState` is `Drained`, and connectors still run.', 'Nothing: it ends after `drainSeconds`.'],
      Drained: ['No connector and no player is left.'],
    },
  },
  Reconciling: {
    says: 'The cell is not yet as its spec says (a condition of kstatus).',
    reasons: {
      PodsWaiting: [
        'No node takes a pod, or its image could not be pulled, which may pass by itself.',
        'Nothing at first. After 45 s the condition `Stalled` has it.',
      ],
      Starting: ['Pods are being created, or are not ready yet.', 'Nothing at first. If it lasts, look at the pods.'],
      Updating: ['Pods are being created or replaced.', 'Nothing at first. If it lasts, look at the pods.'],
      Draining: ['The cell is disconnecting its players.', 'Nothing: it ends after `drainSeconds`.'],
      Retrying: [
        'An attempt to write an object failed in a way that may pass; the operator tries again.',
        'If it lasts, look at the API server with the error of the message.',
      ],
      Settled: ['The cell is as its spec says.'],
      Stalled: ['The operator cannot go on.', 'Read the condition `Stalled`.'],
    },
  },
  Stalled: {
    says: 'The operator cannot go on until a person changes something (a condition of kstatus).',
    reasons: { NotStalled: ['Nothing keeps the operator from going on.'], ...workloadBlockers },
  },
}
