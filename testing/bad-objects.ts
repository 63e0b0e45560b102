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
      title: 'resources of a LiveKit that the operator does not run',
      spec: { livekit: { type: 'None', resources: {} } },
      says: /belong to a Managed LiveKit/,
      at: 'spec.livekit',
    },
    ...[
      { title: 'of a LiveKit that the operator does not run', type: 'External', says: /belongs to a Managed LiveKit/, at: '' },
      { title: 'without a way to the signalling', url: undefined, says: /need a way to LiveKit/, at: '' },
      { title: 'of another type', change: { type: 'ClusterIP' }, says: /type|ClusterIP/, at: '.service.type' },
      { title: 'at a node port that is not named', change: { udpPort: undefined }, says: /a NodePort needs addresses/ },
      { title: 'at nodes without an address', change: { addresses: undefined }, says: /a NodePort needs addresses/ },
      { title: 'with a class of load balancers', change: { loadBalancerClass: 'x.org/y' }, says: /loadBalancerClass belongs/ },
      { title: 'with media at the port of the signalling', change: { tcpPort: 7880 }, says: /signalling/ },
      { title: 'with a port of the system', change: { udpPort: 443 }, says: /1024/, at: '.service.udpPort' },
      { title: 'at no address', change: { addresses: {} }, says: /name ipv4, ipv6 or both/, at: '.service.addresses' },
      {
        ...{ title: 'at a host name', change: { addresses: { ipv4: 'lk.example' } }, says: /ipv4/ },
        at: '.service.addresses.ipv4',
      },
      {
        ...{ title: 'at an address in brackets', change: { addresses: { ipv6: '[2001:db8::7]' } }, says: /ipv6/ },
        at: '.service.addresses.ipv6',
      },
      {
        ...{ title: 'at an IPv4 address as IPv6', change: { addresses: { ipv6: '::ffff:203.0.113.7' } }, says: /ipv6/ },
        at: '.service.addresses.ipv6',
      },
    ].map(({ title, says, at = '.service', change = {}, ...livekit }) => ({
      title: `a Service of LiveKit for players outside, ${title}`,
      spec: { livekit: { type: 'Managed', url: 'wss://lk.example', service: { ...nodePort(), ...change }, ...livekit } },
      says,
      at: `spec.livekit${at}`,
    })),
    {
      title: 'LiveKit url with a path',
      spec: { livekit: { url: 'wss://lk.example/rtc', credentials: { secretName: 'x' } } },
      says: /url/,
      at: 'spec.livekit.url',
    },
    ...[
      { title: 'a URL', host: 'https://gk.example.org', says: /hosts/ },
      { title: 'a wildcard', host: '*.example.org', says: /hosts/ },
      { title: 'an empty label', host: 'gk..example.org', says: /hosts/ },
      { title: 'capitals', host: 'GK.example.org', says: /hosts/ },
      { title: 'an IP address', host: '192.0.2.7', says: /no Ingress is for an IP address/ },
    ].map(({ title, host, says }) => ({
      title: `${title} as a host of the gatekeeper`,
      spec: { livekit: none(), ...exposed(), gatekeeper: { hosts: [host] } },
      says,
      at: 'spec.gatekeeper.hosts.0',
    })),
    {
      title: 'an IP address as the host of a realm',
      spec: { livekit: none(), exposure: { type: 'Ingress', host: '192.0.2.7' } },
      says: /no Ingress is for an IP address/,
      at: 'spec.exposure.host',
    },
    {
      title: 'too many hosts of a gatekeeper',
      spec: {
        livekit: none(),
        ...exposed(),
        gatekeeper: { hosts: Array.from({ length: 9 }, (_, n) => `gk${n}.example.org`) },
      },
      says: /8/,
      at: 'spec.gatekeeper.hosts',
    },
    {
      title: 'a host of a gatekeeper twice',
      spec: { livekit: none(), ...exposed(), gatekeeper: { hosts: ['gk.example.org', 'gk.example.org'] } },
      says: /[Dd]uplicate/,
      at: 'spec.gatekeeper.hosts',
    },
    {
      title: 'the host of the realm as one of its gatekeeper',
      spec: { livekit: none(), ...exposed(), gatekeeper: { hosts: ['main.example.org'] } },
      says: /other hosts than exposure\.host/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'hosts of a gatekeeper without an Ingress',
      spec: { livekit: none(), exposure: { url: 'https://main.example.org' }, gatekeeper: { hosts: ['gk.example.org'] } },
      says: /routed as the host of the realm is/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'hosts of a gatekeeper without TLS beside a realm with TLS',
      spec: { livekit: none(), ...exposed({ tlsSecretName: 'main-tls' }), gatekeeper: { hosts: ['gk.example.org'] } },
      says: /certificate in gatekeeper\.tlsSecretName/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'TLS that ends in front of the Ingress, with a certificate for the Ingress',
      spec: { livekit: none(), ...exposed({ tls: 'Terminated', tlsSecretName: 'main-tls' }) },
      says: /tls Secret needs tlsSecretName, and only it/,
      at: 'spec.exposure',
    },
    {
      title: 'TLS with a certificate that is not named',
      spec: { livekit: none(), ...exposed({ tls: 'Secret' }) },
      says: /tls Secret needs tlsSecretName, and only it/,
      at: 'spec.exposure',
    },
    {
      title: 'TLS of an Ingress that there is not',
      spec: { livekit: none(), exposure: { url: 'https://main.example.org', tls: 'Terminated' } },
      says: /tls belongs to types Ingress, Gateway and LoadBalancer/,
      at: 'spec.exposure',
    },
    {
      title: 'a certificate for no host of a gatekeeper',
      spec: { livekit: none(), ...exposed(), gatekeeper: { tlsSecretName: 'gk-tls' } },
      says: /tlsSecretName belongs to hosts/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'hosts of a gatekeeper that a World does not have',
      spec: {
        mode: 'World',
        world: { scenes: ['urn:decentraland:entity:x'], gatekeeperOf: 'main' },
        gatekeeper: { hosts: ['gk.example.org'] },
      },
      says: /no gatekeeper of its own that could have hosts/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'a claim of the user beside one of the operator',
      spec: { livekit: none(), gatekeeper: { database: { type: 'Embedded', claimName: 'x', storage: { size: '1Gi' } } } },
      says: /set one of them/,
      at: 'spec.gatekeeper.database',
    },
    {
      title: 'storage for an External database',
      spec: { livekit: none(), gatekeeper: { database: { type: 'External', secret: { name: 'x' }, storage: { size: '1Gi' } } } },
      says: /storage belongs to an Embedded database/,
      at: 'spec.gatekeeper.database',
    },
    ...['0Gi', '1.5Gi', '1', '-1Gi', '1Ki', 'much'].map((size) => ({
      title: `storage of ${size}`,
      spec: { livekit: none(), gatekeeper: { database: { type: 'Embedded', storage: { size } } } },
      says: /size/,
      at: 'spec.gatekeeper.database.storage.size',
    })),
    {
      title: 'another storage class for a claim that exists',
      previous: { livekit: none(), gatekeeper: { database: { type: 'Embedded', storage: { size: '1Gi' } } } },
      spec: { livekit: none(), gatekeeper: { database: { type: 'Embedded', storage: { size: '1Gi', storageClassName: 'x' } } } },
      says: /storageClassName is immutable/,
      at: 'spec.gatekeeper.database.storage',
    },
    { title: 'an unknown LiveKit type', spec: { livekit: { type: 'Manged' } }, says: /Managed/, at: 'spec.livekit.type' },
    {
      title: 'an External movement relay without host',
      spec: { livekit: none(), movement: { type: 'External' } },
      says: /named by host/,
      at: 'spec.movement',
    },
    {
      title: 'a host of the relay that the installation runs',
      spec: { livekit: none(), movement: { host: 'relay.example.org' } },
      says: /only an External one/,
      at: 'spec.movement',
    },
    ...[
      'udp://relay.example.org',
      '2001:db8::7',
      'relay.example.org:0',
      'relay.example.org:65536',
      'relay.example.org/',
      'a b',
    ].map((host) => ({
      title: `the movement relay ${host}`,
      spec: { livekit: none(), movement: { type: 'External', host } },
      says: /host name, an IPv4 address or an IPv6 address in brackets/,
      at: 'spec.movement.host',
    })),
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
      title: 'two processes with the embedded rooms of a Compact cell',
      spec: { livekit: none(), cells: { template: { topology: 'Compact', connectors: { replicas: 2 } } } },
      says: /more than one connector needs LiveKit, or topology Split/,
      at: 'spec.cells',
    },
    {
      title: 'Compact cells without LiveKit that may be given more connectors',
      spec: {
        livekit: none(),
        cells: { template: { topology: 'Compact' } },
        autoscale: { playersPerConnector: 100, connectors: { min: 1, max: 2 } },
      },
      says: /more than one connector needs LiveKit, or topology Split/,
      at: 'spec.cells',
    },
    {
      title: 'resources of an archipelago that is no container',
      spec: { livekit: none(), cells: { template: { topology: 'Compact', archipelago: { resources: {} } } } },
      says: /those of connectors\.resources/,
      at: 'spec.cells.template.archipelago',
    },
    {
      title: 'resources of statistics that are no container',
      spec: { livekit: none(), cells: { template: { topology: 'Compact' } }, stats: { resources: {} } },
      says: /those of cells\.template\.connectors\.resources/,
      at: 'spec.stats',
    },
    {
      title: 'another topology than Split and Compact',
      spec: { livekit: none(), cells: { template: { topology: 'Tiny' } } },
      says: /Split|Compact/,
      at: 'spec.cells.template.topology',
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
    ...['nats://cells:hunter2@nats.example.org', 'tls://seed@nats.example.org:4222', 'nats://:@a', 'nats://a@b@c'].map((url) => ({
      title: `the NATS URL ${url} with a login`,
      spec: { livekit: none(), nats: { type: 'External', urls: ['nats://nats:4222', url] } },
      says: /belong into the Secret that nats\.credentials\.secretName names/,
      at: 'spec.nats.urls.1',
    })),
    {
      title: 'a LiveKit URL with a login',
      spec: { livekit: { url: 'wss://key:secret@lk.example.org', credentials: { secretName: 'x' } } },
      says: /belong into the Secret that livekit\.credentials\.secretName names/,
      at: 'spec.livekit.url',
    },
    ...[
      { at: 'spec.content.catalysts.0', spec: { content: { catalysts: ['https://me:pw@peer.example.org'] } } },
      { at: 'spec.gatekeeper.denyList', spec: { gatekeeper: { denyList: 'https://me:pw@deny.example.org/list' } } },
      { at: 'spec.gatekeeper.ethereum', spec: { gatekeeper: { ethereum: 'https://me:pw@rpc.example.org' } } },
      { at: 'spec.exposure.url', spec: { exposure: { url: 'https://me:pw@realm.example.org' } } },
      {
        at: 'spec.publication.providers.0.url',
        spec: { publication: { providers: [{ url: 'https://me:pw@far.example.org' }] } },
      },
    ].map(({ at, spec }) => ({
      title: `a login in ${at}`,
      spec: { livekit: none(), ...spec },
      says: /with a user name or a password is not supported/,
      at,
    })),
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
      title: 'a rule for every connection to every address',
      spec: { livekit: none(), networkPolicy: { type: 'Strict', egress: [{}] } },
      says: /would allow everything/,
      at: 'spec.networkPolicy.egress.0',
    },
    {
      title: 'a lease of less than a renewal',
      spec: { livekit: none(), publication: { providers: [{ url: 'https://realms.example.org', ttlSeconds: 5 }] } },
      says: /15/,
      at: 'spec.publication.providers.0.ttlSeconds',
    },
    ...(
      [
        ['a parcel with one coordinate', 'localSceneParcels.0', { localSceneParcels: ['1'] }],
        ['a city loader that is no URL', 'cityLoaderContentServer', { cityLoaderContentServer: 'peer.example.org' }],
        ['a city loader with a login', 'cityLoaderContentServer', { cityLoaderContentServer: 'https://me:pw@peer.example.org' }],
        ['an hour beyond the day', 'skybox.fixedHour', { skybox: { fixedHour: 86_401 } }],
        ['an image that is no URL', 'minimap.dataImage', { minimap: { dataImage: '/map.png' } }],
        ['tiles without an address', 'map.satelliteView.baseUrl', { map: { satelliteView: {} } }],
        [
          'a view of another version',
          'map.parcelView.version',
          { map: { parcelView: { version: 'v2', imageUrl: 'https://m' } } },
        ],
      ] as const
    ).map(([title, field, content]) => ({
      title,
      spec: { livekit: none(), content },
      says: new RegExp(field.split('.').at(field.endsWith('.0') ? -2 : -1) ?? ''),
      at: `spec.content.${field}`,
    })),
    {
      title: 'a cluster at a country and at coordinates',
      spec: {
        livekit: none(),
        publication: { location: { country: 'IE', coordinates: { latitude: 53, longitude: -8 } } },
      },
      says: /either a country or coordinates/,
      at: 'spec.publication.location',
    },
    {
      title: 'a catalyst nowhere in particular',
      spec: { livekit: none(), content: { catalystLocations: [{ url: 'https://peer.example.org' }] } },
      says: /either a country or coordinates/,
      at: 'spec.content.catalystLocations.0',
    },
    {
      title: 'a list of catalysts beside no catalyst',
      spec: { livekit: none(), content: { catalystList: { url: 'https://peer.example.org/lambdas/contracts/servers' } } },
      says: /catalystList adds to catalysts/,
      at: 'spec.content',
    },
    {
      title: 'a list of catalysts that anybody on the way can change',
      spec: {
        livekit: none(),
        content: { catalysts: ['https://peer.example.org'], catalystList: { url: 'http://peer.example.org/servers' } },
      },
      says: /catalystList|pattern|match/,
      at: 'spec.content.catalystList.url',
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
      says: /need host/,
      at: 'spec.exposure',
    },
    {
      title: 'a class without an Ingress',
      spec: { livekit: none(), exposure: { className: 'nginx' } },
      says: /className belongs to type Ingress/,
      at: 'spec.exposure',
    },
    ...[
      { title: 'a Gateway without host', exposure: { gateway: { name: 'edge' } }, says: /needs? host/ },
      { title: 'a Gateway that is not named', exposure: { host: 'main.example.org' }, says: /needs gateway/ },
      { title: 'a class of a Gateway', exposure: { ...atGateway(), className: 'envoy' }, says: /className belongs/ },
      { title: 'a certificate for a Gateway', exposure: { ...atGateway(), tlsSecretName: 'tls' }, says: /that of its listener/ },
    ].map(({ title, exposure, says }) => ({
      title,
      spec: { livekit: none(), exposure: { type: 'Gateway', ...exposure } },
      says,
      at: 'spec.exposure',
    })),
    ...[
      { title: 'TLS without host at a load balancer', exposure: { tls: 'Terminated' }, says: /TLS needs host/ },
      { title: 'a certificate without host at a load balancer', exposure: { tlsSecretName: 'tls' }, says: /TLS needs host/ },
      { title: 'a class of a load balancer', exposure: { className: 'nginx' }, says: /className belongs/ },
      {
        title: 'a route of yours beside a load balancer',
        exposure: { url: 'http://a.example.org' },
        says: /url belongs to type None/,
      },
      { title: 'annotations of no Ingress', exposure: { annotations: { a: 'b' } }, says: /are serviceAnnotations/ },
    ].map(({ title, exposure, says }) => ({
      title,
      spec: { livekit: none(), exposure: { type: 'LoadBalancer', ...exposure } },
      says,
      at: 'spec.exposure',
    })),
    {
      title: 'pods of a proxy that there is not',
      spec: { livekit: none(), ...exposed({ loadBalancer: { replicas: 3 } }) },
      says: /loadBalancer belongs to type LoadBalancer/,
      at: 'spec.exposure',
    },
    {
      title: 'a load balancer without a pod behind it',
      spec: { livekit: none(), exposure: { type: 'LoadBalancer', loadBalancer: { replicas: 0 } } },
      says: /1/,
      at: 'spec.exposure.loadBalancer.replicas',
    },
    {
      title: 'a Gateway for an Ingress',
      spec: { livekit: none(), ...exposed({ gateway: { name: 'edge' } }) },
      says: /type Gateway needs gateway, and only it/,
      at: 'spec.exposure',
    },
    {
      title: 'a certificate of a gatekeeper for a Gateway',
      spec: {
        livekit: none(),
        exposure: { type: 'Gateway', ...atGateway() },
        gatekeeper: { hosts: ['gk.example.org'], tlsSecretName: 'gk-tls' },
      },
      says: /that of its listener/,
      at: 'spec.gatekeeper',
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
      title: 'a realm name of the name space of worlds',
      spec: { livekit: none(), realmName: 'party.dcl.Eth' },
      says: /those of worlds/,
      at: 'spec.realmName',
    },
    {
      title: 'an authority for an Embedded database',
      spec: { livekit: none(), gatekeeper: { database: { caSecretName: 'ca' } } },
      says: /belongs to an External database/,
      at: 'spec.gatekeeper.database',
    },
    {
      title: 'an unknown way to sign in to NATS',
      spec: { livekit: none(), nats: { type: 'External', urls: ['nats://a'], credentials: { secretName: 'a', type: 'Jwt' } } },
      says: /CredentialsFile/,
      at: 'spec.nats.credentials.type',
    },
    {
      title: 'a variable with two values',
      spec: { livekit: none(), pods: { env: [{ name: 'A', value: 'b', secret: { name: 'c', key: 'd' } }] } },
      says: /either a value or a secret/,
      at: 'spec.pods.env.0',
    },
    {
      title: 'authorities in no object',
      spec: { livekit: none(), pods: { caCertificates: {} } },
      says: /either a ConfigMap or a Secret/,
      at: 'spec.pods.caCertificates',
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
    ...badWorlds(),
  ]

type BadRealm = { title: string; spec: unknown; previous?: unknown; says: RegExp; at: string }

function badWorlds(): BadRealm[] {
  const scenes = ['urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/']
  const world = (more: object = {}, spec: object = {}) => ({
    mode: 'World',
    livekit: none(),
    ...spec,
    world: { scenes, ...more },
  })
  const guest = (spec: object) => ({ ...world({ gatekeeperOf: 'main' }), ...spec })
  const lk = { url: 'wss://lk.example', credentials: { secretName: 'x' } }
  return [
    {
      title: 'a World without world',
      spec: { mode: 'World', livekit: none() },
      says: /mode World needs world/,
      at: 'spec.world',
    },
    { title: 'a City with world', spec: { ...world(), mode: 'City' }, says: /only mode World has it/, at: 'spec.world' },
    { title: 'a World without scenes', spec: world({ scenes: [] }), says: /scenes/, at: 'spec.world.scenes' },
    { title: 'a scene that is no URN', spec: world({ scenes: ['bafkscene'] }), says: /scenes/, at: 'spec.world.scenes.0' },
    {
      title: 'a City that becomes a World',
      previous: { livekit: none() },
      spec: world(),
      says: /mode is immutable/,
      at: 'spec.mode',
    },
    { title: 'a World that scales cells', spec: world({}, { autoscale: {} }), says: /no cells/, at: 'spec.autoscale' },
    {
      title: 'a World with a NATS',
      spec: world({}, { nats: { type: 'External', urls: ['nats://n'] } }),
      says: /no message bus/,
      at: 'spec.nats',
    },
    {
      title: 'scenes of a World in content',
      spec: world({}, { content: { scenesUrn: scenes } }),
      says: /named by world\.scenes/,
      at: 'spec.content',
    },
    { title: 'a spawn that is no parcel', spec: world({ spawn: '1;2' }), says: /spawn/, at: 'spec.world.spawn' },
    {
      title: 'an Allowlist without wallets',
      spec: world({ access: { type: 'Allowlist' } }),
      says: /Allowlist needs wallets/,
      at: 'spec.world.access',
    },
    {
      title: 'wallets that have no effect',
      spec: world({ access: { wallets: [`0x${'a'.repeat(40)}`] } }),
      says: /and only it/,
      at: 'spec.world.access',
    },
    {
      title: 'a SharedSecret without a Secret',
      spec: world({ access: { type: 'SharedSecret' } }),
      says: /SharedSecret needs secret/,
      at: 'spec.world.access',
    },
    {
      title: 'a key that leaves its folder',
      spec: world({ access: { type: 'SharedSecret', secret: { name: 'x', key: '../token' } } }),
      says: /key/,
      at: 'spec.world.access.secret.key',
    },
    { title: 'a LiveKit of a guest', spec: guest({ livekit: lk }), says: /no LiveKit of its own/, at: 'spec.livekit' },
    {
      title: 'an address of a guest',
      spec: guest({ exposure: { url: 'https://w.example' } }),
      says: /no exposure of its own/,
      at: 'spec.exposure',
    },
    {
      title: 'a guest that hosts',
      spec: guest({ gatekeeper: { worldHosting: {} } }),
      says: /host others/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'worlds in a City with embedded rooms',
      spec: { livekit: none(), gatekeeper: { worldHosting: {} } },
      says: /worldHosting needs LiveKit/,
      at: 'spec.gatekeeper',
    },
    {
      title: 'two Secrets with the shared secrets of one gatekeeper',
      spec: world(
        { access: { type: 'SharedSecret', secret: { name: 'a' } } },
        { gatekeeper: { worldHosting: { secretName: 'b' } } },
      ),
      says: /name two/,
      at: 'spec.world',
    },
    {
      title: 'embedded rooms in two gatekeepers',
      spec: world({}, { gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: 'x' } } } }),
      says: /in one gatekeeper/,
      at: 'spec.gatekeeper',
    },
  ]
}

function none() {
  return { type: 'None' }
}

function nodePort() {
  return { type: 'NodePort', addresses: { ipv4: '203.0.113.7' }, udpPort: 30_782 }
}

function exposed(more: object = {}) {
  return { exposure: { type: 'Ingress', host: 'main.example.org', ...more } }
}

function atGateway() {
  return { host: 'main.example.org', gateway: { name: 'edge' } }
}
