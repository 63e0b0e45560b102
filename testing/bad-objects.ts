/** Objects that must be refused, and words that the message must contain: checked with the API server and with our own validator. */
export const badRealms: readonly { title: string; spec: unknown; name?: string; previous?: unknown; says: RegExp; at: string }[] =
  [
    { title: 'External LiveKit without url', spec: {}, says: /needs url and credentials/, at: 'spec.livekit' },
    {
      title: 'LiveKit credentials beside type None',
      spec: { livekit: { type: 'None', credentials: { secretName: 'x' } } },
      says: /credentials belong/,
      at: 'spec.livekit',
    },
    {
      title: 'LiveKit url with a path',
      spec: { livekit: { url: 'wss://lk.example/rtc', credentials: { secretName: 'x' } } },
      says: /url/,
      at: 'spec.livekit.url',
    },
    { title: 'an unknown LiveKit type', spec: { livekit: { type: 'Manged' } }, says: /Managed/, at: 'spec.livekit.type' },
    {
      title: 'more cells than slots',
      spec: { livekit: none(), cells: { replicas: 5, max: 4 } },
      says: /may not exceed cells\.max/,
      at: 'spec',
    },
    {
      title: 'a negative number of cells',
      spec: { livekit: none(), cells: { replicas: -1 } },
      says: /0/,
      at: 'spec.cells.replicas',
    },
    {
      title: 'fewer connectors at most than at least',
      spec: { livekit: none(), autoscale: { connectors: { min: 4, max: 3 } } },
      says: /connectors\.min may not exceed/,
      at: 'spec.autoscale',
    },
    {
      title: 'more cells chosen by the players than there are slots',
      spec: { livekit: none(), autoscale: { cells: { max: 5 } } },
      says: /autoscale\.cells\.max may not exceed cells\.max/,
      at: 'spec',
    },
    {
      title: 'cells chosen by the players without a most',
      spec: { livekit: none(), autoscale: { cells: {} } },
      says: /max/,
      at: 'spec.autoscale.cells.max',
    },
    {
      title: 'replicas in words',
      spec: { livekit: none(), cells: { replicas: 'two' } },
      says: /integer/,
      at: 'spec.cells.replicas',
    },
    {
      title: 'a leave distance below the join distance',
      spec: { livekit: none(), cells: { template: { archipelago: { joinDistance: 90 } } } },
      says: /leaveDistance must be greater/,
      at: 'spec.cells.template.archipelago',
    },
    {
      title: 'an island of size 0',
      spec: { livekit: none(), cells: { template: { archipelago: { islandSize: 0 } } } },
      says: /1/,
      at: 'spec.cells.template.archipelago.islandSize',
    },
    {
      title: 'two gatekeepers on an embedded database',
      spec: { livekit: none(), gatekeeper: { replicas: 2 } },
      says: /External database/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'an External database without secret',
      spec: { livekit: none(), gatekeeper: { database: { type: 'External' } } },
      says: /named by secret/,
      at: 'spec.gatekeeper.database',
    },
    {
      title: 'an External NATS without urls',
      spec: { livekit: none(), nats: { type: 'External' } },
      says: /reached by urls/,
      at: 'spec.nats',
    },
    {
      title: 'two servers of a Managed NATS',
      spec: { livekit: none(), nats: { replicas: 2 } },
      says: /1 or 3/,
      at: 'spec.nats',
    },
    {
      title: 'a number of servers beside an External NATS',
      spec: { livekit: none(), nats: { type: 'External', urls: ['nats://nats:4222'], replicas: 3 } },
      says: /belong to a Managed NATS/,
      at: 'spec.nats',
    },
    {
      title: 'an authority for a Managed NATS',
      spec: { livekit: none(), nats: { caSecretName: 'ca' } },
      says: /belong to an External NATS/,
      at: 'spec.nats',
    },
    {
      title: 'entry namespaces without a policy',
      spec: { livekit: none(), networkPolicy: { entryNamespaces: ['ingress-nginx'] } },
      says: /belong to type Strict/,
      at: 'spec.networkPolicy',
    },
    {
      title: 'a lease of less than a renewal',
      spec: { livekit: none(), publication: { providers: [{ url: 'https://realms.example.org', ttlSeconds: 5 }] } },
      says: /15/,
      at: 'spec.publication.providers.0.ttlSeconds',
    },
    {
      title: 'a toleration of nothing in particular',
      spec: { livekit: none(), gatekeeper: { pods: { tolerations: [{ effect: 'NoExecute' }] } } },
      says: /needs operator Exists/,
      at: 'spec.gatekeeper.pods.tolerations.0',
    },
    {
      title: 'a toleration of an unknown effect',
      spec: { livekit: none(), pods: { tolerations: [{ effect: 'Never' }] } },
      says: /NoExecute/,
      at: 'spec.pods.tolerations.0.effect',
    },
    {
      title: 'an Ingress without host',
      spec: { livekit: none(), exposure: { type: 'Ingress' } },
      says: /needs host/,
      at: 'spec.exposure',
    },
    {
      title: 'a class without an Ingress',
      spec: { livekit: none(), exposure: { className: 'nginx' } },
      says: /belong to type Ingress/,
      at: 'spec.exposure',
    },
    ...['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0/8', 'cluster'].map((cidr) => ({
      title: `${cidr} as a network of proxies`,
      spec: { livekit: none(), exposure: { trustedProxies: { cidrs: [cidr] } } },
      says: /cidr/i,
      at: 'spec.exposure.trustedProxies.cidrs.0',
    })),
    {
      title: 'no connection from an address',
      spec: { livekit: none(), exposure: { maxConnectionsPerAddress: 0 } },
      says: /1/,
      at: 'spec.exposure.maxConnectionsPerAddress',
    },
    {
      title: 'a realm name that is a path of the provider',
      spec: { livekit: none(), realmName: 'realms' },
      says: /path of the realm provider/,
      at: 'spec.realmName',
    },
    {
      title: 'an object name that is a path of the provider',
      name: 'status',
      spec: { livekit: none() },
      says: /path of the realm provider/,
      at: '',
    },
    { title: 'a name too long for Services', name: 'r'.repeat(41), spec: { livekit: none() }, says: /at most 40/, at: '' },
    {
      title: 'a map with sides exchanged',
      spec: { livekit: none(), content: { map: { sizes: [{ left: 5, right: 1, top: 1, bottom: 0 }] } } },
      says: /left may not exceed right/,
      at: 'spec.content.map.sizes.0',
    },
    {
      title: 'a catalyst that is no URL',
      spec: { livekit: none(), content: { catalysts: ['peer.example'] } },
      says: /catalysts|pattern|match/,
      at: 'spec.content.catalysts.0',
    },
    {
      title: 'a renamed realm',
      previous: { livekit: none(), realmName: 'a' },
      spec: { livekit: none(), realmName: 'b' },
      says: /immutable/,
      at: 'spec',
    },
    {
      title: 'fewer slots than before',
      previous: { livekit: none(), cells: { max: 4 } },
      spec: { livekit: none(), cells: { max: 3 } },
      says: /may only grow/,
      at: 'spec.cells',
    },
  ]

function none() {
  return { type: 'None' }
}
