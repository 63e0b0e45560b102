// Written by `npm run generate` from the CRDs beside it.
import type { ObjectMeta } from './object.ts'

/** A realm is a place of a virtual world: a URL whose /about says where explorers find its content and its communications. A Realm object declares the communications; the operator runs them and publishes their endpoints. */
export interface Realm {
  apiVersion: 'comms.decentraland.org/v1alpha1'
  kind: 'Realm'
  metadata: ObjectMeta
  spec: RealmSpec
  status?: RealmStatus
}

/** The desired state of the realm. */
export interface RealmSpec {
  /** Name players see, and the path of the realm at the realm provider: /{realmName}/about. Immutable. Defaults to metadata.name. */
  realmName?: string
  /** What the realm is. City is a land of any size, with cells that group players into islands. World is a small place with fixed scenes and one room for everyone in it: it needs a gatekeeper only, and no cells, no statistics and no NATS. Immutable. */
  mode: 'City' | 'World'
  /** The place of a realm in mode World. In this mode, cells.replicas 0 closes the realm, and the other fields of cells have no effect. Changes of world disconnect no player, but those who may no longer enter. */
  world?: {
    /** The scenes of the world, as urn:decentraland:entity:ID?=&baseUrl=URL. Without baseUrl they are on the first healthy catalyst of content.catalysts. The Unity explorer enters the rooms of worlds with more than one scene elsewhere (docs/worlds.md). */
    scenes: string[]
    /** Parcel on which players arrive, such as 0,0; absent = the scene decides. */
    spawn?: string
    /** Who may enter. A moderator of the realm may ban players besides, whatever this says. */
    access: {
      /** Public lets every wallet in, Allowlist those of wallets, SharedSecret those whose player knows the text in a key of a Secret, which the Unity and the Godot explorer ask their player for. */
      type: 'Public' | 'Allowlist' | 'SharedSecret'
      /** Wallets that may enter. A player whose wallet is taken off the list is removed within seconds. */
      wallets?: string[]
      /** Secret of the same namespace whose key holds the text; with gatekeeperOf, that of gatekeeper.worldHosting of the Realm of that name. A change of the text applies to those who enter from then on. */
      secret?: {
        /** Name of the Secret. */
        name: string
        /** Key within the Secret. */
        key: string
      }
    }
    /** Most players in the world at a time; further ones are refused with 503 until one has left. */
    capacity: number
    /** Name of another Realm of the namespace, whose gatekeeper and rooms this world uses, so that it needs no pod of its own. That Realm allows it by gatekeeper.worldHosting; its moderators and bans hold here too. Absent = a gatekeeper of its own. */
    gatekeeperOf?: string
  }
  /** Image of the cells: a tag, or a digest such as sha256:…. The default is written into the object when it is created, so an upgrade of the operator never changes a running realm; changing this field does. */
  version: string
  /** Fields of every pod of the realm, for the schedulers, registries and tools of your cluster. cells.template.pods and gatekeeper.pods add to them. Labels and annotations of the operator cannot be changed. */
  pods?: {
    /** Labels of the pods. */
    labels?: Record<string, string>
    /** Annotations of the pods. */
    annotations?: Record<string, string>
    /** Labels a node must have to run the pods. */
    nodeSelector?: Record<string, string>
    /** Taints of nodes that the pods tolerate. */
    tolerations?: {
      /** Key of the taint; absent = every key. */
      key?: string
      /** How value is compared. */
      operator?: 'Exists' | 'Equal'
      /** Value of the taint. */
      value?: string
      /** Effect of the taint; absent = every effect. */
      effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
      /** Seconds for which a NoExecute taint is tolerated; absent = for ever. */
      tolerationSeconds?: number
    }[]
    /** Affinity to nodes and pods, as in any pod. */
    affinity?: Record<string, unknown>
    /** Secrets of the same namespace with which images are pulled. */
    imagePullSecrets?: {
      /** Name of the Secret. */
      name: string
    }[]
    /** Variables of every container, such as HTTPS_PROXY and NO_PROXY; the names that the operator sets itself are ignored. */
    env?: {
      /** Name of the variable. */
      name: string
      /** Value of the variable. */
      value?: string
      /** Key of a Secret of the same namespace that holds the value. */
      secret?: {
        /** Name of the Secret. */
        name: string
        /** Key within the Secret. */
        key: string
      }
    }[]
    /** PEM file of authorities that the pods trust besides the usual ones, for a proxy that inspects TLS, or servers with a private authority. */
    caCertificates?: {
      /** ConfigMap of the same namespace with the file. */
      configMapName?: string
      /** Secret of the same namespace with the file. */
      secretName?: string
      /** Key of the file. */
      key: string
    }
    /** PriorityClass of the pods. */
    priorityClassName?: string
  }
  /** The comms cells of the realm. A cell is one isolated comms stack with islands of its own: the unit of capacity and of failure. */
  cells: {
    /** How many cells run. 0 hibernates the realm and removes it from the publication. Set by kubectl scale. When the number is lowered, the cell with the fewest players is drained, so that its players move to the others, and then removed. With autoscale.cells every number but 0 is ignored. */
    replicas: number
    /** How many slots, and so stable URLs, the realm has. A slot without a cell is routed to another cell. May only grow. */
    max: number
    /** Players a cell is meant for. Further players are not refused; they are sent to another cell while one has room. Absent = no such number. */
    capacity?: number
    /** To which of several cells a new player is sent. LeastLoaded takes the one with the fewest players. Fill takes the first with room, so that players meet and the last cells stay empty. Sticky takes the same one for the same address, while it has room. */
    assignment: 'LeastLoaded' | 'Fill' | 'Sticky'
    /** The parts of each cell. */
    template: {
      /** How the services of a cell run. Split gives the connectors, the archipelago and, for all cells together, the statistics pods of their own. Compact runs all three in one process, which needs about a third of their memory: for small realms. Each connector of a Compact cell is such a process; one of them is the active archipelago. A change replaces the cells, as one of the version does. */
      topology: 'Split' | 'Compact'
      /** Fields of every pod of the realm, for the schedulers, registries and tools of your cluster. cells.template.pods and gatekeeper.pods add to them. Labels and annotations of the operator cannot be changed. */
      pods?: {
        /** Labels of the pods. */
        labels?: Record<string, string>
        /** Annotations of the pods. */
        annotations?: Record<string, string>
        /** Labels a node must have to run the pods. */
        nodeSelector?: Record<string, string>
        /** Taints of nodes that the pods tolerate. */
        tolerations?: {
          /** Key of the taint; absent = every key. */
          key?: string
          /** How value is compared. */
          operator?: 'Exists' | 'Equal'
          /** Value of the taint. */
          value?: string
          /** Effect of the taint; absent = every effect. */
          effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
          /** Seconds for which a NoExecute taint is tolerated; absent = for ever. */
          tolerationSeconds?: number
        }[]
        /** Affinity to nodes and pods, as in any pod. */
        affinity?: Record<string, unknown>
        /** Secrets of the same namespace with which images are pulled. */
        imagePullSecrets?: {
          /** Name of the Secret. */
          name: string
        }[]
        /** Variables of every container, such as HTTPS_PROXY and NO_PROXY; the names that the operator sets itself are ignored. */
        env?: {
          /** Name of the variable. */
          name: string
          /** Value of the variable. */
          value?: string
          /** Key of a Secret of the same namespace that holds the value. */
          secret?: {
            /** Name of the Secret. */
            name: string
            /** Key within the Secret. */
            key: string
          }
        }[]
        /** PEM file of authorities that the pods trust besides the usual ones, for a proxy that inspects TLS, or servers with a private authority. */
        caCertificates?: {
          /** ConfigMap of the same namespace with the file. */
          configMapName?: string
          /** Secret of the same namespace with the file. */
          secretName?: string
          /** Key of the file. */
          key: string
        }
        /** PriorityClass of the pods. */
        priorityClassName?: string
      }
      /** The players' WebSockets of a cell. */
      connectors: {
        /** Connector pods per cell. A cell whose connectors were scaled since, by kubectl scale or an autoscaler, keeps its own number. With autoscale this is how many a new cell starts with. */
        replicas: number
        /** Seconds over which a stopping connector spreads the closing of its players' sockets, so that the players do not all reconnect at once. */
        drainSeconds: number
        /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
        resources?: {
          /** Quantities by resource name, such as cpu and memory. */
          requests?: Record<string, number | string>
          /** Quantities by resource name, such as cpu and memory. */
          limits?: Record<string, number | string>
        }
      }
      /** The clustering of players into islands, each of which is one room. */
      archipelago: {
        /** Two islands may merge once a player of one is at most this many metres from a player of the other, on the ground plane. */
        joinDistance: number
        /** An island splits where neighbouring players are more than this many metres apart, on the ground plane. */
        leaveDistance: number
        /** Most players one island may have. */
        islandSize: number
        /** Milliseconds from one clustering to the next. */
        flushPeriodMilliseconds: number
        /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
        resources?: {
          /** Quantities by resource name, such as cpu and memory. */
          requests?: Record<string, number | string>
          /** Quantities by resource name, such as cpu and memory. */
          limits?: Record<string, number | string>
        }
      }
    }
  }
  /** The service that decides who may enter which scene room. */
  gatekeeper: {
    /** Gatekeeper pods. 0 = the realm has no scene rooms. */
    replicas: number
    /** Further host names at which the gatekeeper answers, at the root: explorers that know no gatekeeper but the one at comms-gatekeeper.decentraland.org find it there, where your name server leads that name to the Ingress controller or the Gateway. They have an Ingress or an HTTPRoute of their own, with the class, the Gateway and the annotations of exposure. A host that another Realm has is left out, and the condition Stalled says so. */
    hosts?: string[]
    /** Secret with the certificate of hosts. It may be that of exposure.tlsSecretName if it is for them too; not where cert-manager writes it, which keeps a certificate for one Ingress. */
    tlsSecretName?: string
    /** Where the gatekeeper keeps its data. */
    database: {
      /** Embedded runs a small PostgreSQL inside the gatekeeper, External uses a PostgreSQL server of yours. An Embedded one takes about 100 MB of memory beside what the gatekeeper takes. A limit of less than 300 MiB, also that of a LimitRange, may end the process. */
      type: 'Embedded' | 'External'
      /** Secret of the same namespace whose key holds the connection URL, postgres://user:password@host:5432/database. */
      secret?: {
        /** Name of the Secret. */
        name: string
        /** Key within the Secret. */
        key: string
      }
      /** Secret of the same namespace whose key ca.crt holds the authority that signed the certificate of an External database. Without sslmode in its URL, the certificate is then verified. */
      caSecretName?: string
      /** PersistentVolumeClaim of yours in the same namespace for an Embedded database; it outlives the realm. Without claimName and storage, bans and what is recorded for moderators end with the pod. */
      claimName?: string
      /** Has the operator create a PersistentVolumeClaim, {realm}-gatekeeper-data, for an Embedded database. It is deleted with the realm, and not before, also where this field is removed again. Set it from the start: a gatekeeper that moves to a volume begins with an empty database. */
      storage?: {
        /** Size of the volume, such as 1Gi. A database takes 40 MB and grows slowly: a few hundred bytes for each ban and each player. It can be raised where the storage class allows it, and never lowered. */
        size: string
        /** Storage class of the volume; without one, the default of the cluster. It has to offer ReadWriteOnce volumes with a file system that has POSIX record locks, such as ext4, xfs or NFS 4. */
        storageClassName?: string
      }
    }
    /** URL of a deny list, {"users":[{"wallet":"0x…"}]}: wallets that get no token of a room, and that connectors and embedded rooms refuse. A change replaces the cells as a change of version does. */
    denyList?: string
    /** Wallets whose owners may ban players from the realm and warn them, over the API of the gatekeeper. */
    moderators?: string[]
    /** Secret of the same namespace whose key holds a token of at least 16 characters: tools that send it may do what moderators do, such as realmctl ban. */
    moderatorTokenSecret?: {
      /** Name of the Secret. */
      name: string
      /** Key within the Secret. */
      key: string
    }
    /** Secret of the same namespace whose key holds the token of other services, such as a social service or a worlds content server. Absent = none of them may call. */
    serviceTokenSecret?: {
      /** Name of the Secret. */
      name: string
      /** Key within the Secret. */
      key: string
    }
    /** Wallet of the authoritative server, which may enter the room of every scene. Absent = scenes have no server. */
    authoritativeServer?: string
    /** Whether scenes that run on the machines of their creators have servers, streams and presenters. Everyone administers them, so it is for realms of creators. */
    localPreview?: boolean
    /** Base URL of the web application in which people stream to a scene and watch, for the links that administrators of scenes are given. Absent = https://decentraland.org/cast. */
    cast?: string
    /** Base URL of a places service, https://places.decentraland.org/api: bans and administrators of scenes are then kept by its ids. Absent = by the base parcel of each scene. */
    places?: string
    /** Base URL of a worlds content server, https://worlds-content-server.decentraland.org, for bans and administrators of scenes of worlds. */
    worlds?: string
    /** URL of the folder with authorizations.json, the list of who has leased which land. Absent = a lease gives no right over a scene. */
    leases?: string
    /** Base URL of a social service, which knows from whom players take private messages. Absent = from all. */
    social?: string
    /** After how many days the gatekeeper deletes what it knows of players. Bans in force stay. */
    retention?: {
      /** Days after which the address and the device of a player who was not seen are deleted; absent = 30. These are personal data. */
      connectionDays?: number
      /** Days after which lifted and expired bans, warnings, the record of decisions and removed administrators of scenes are deleted; absent = 365. */
      moderationDays?: number
    }
    /** URL of an Ethereum JSON-RPC server, to check the signatures of contract wallets; without it they are refused. A change replaces the cells as a change of version does. */
    ethereum?: string
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
    /** Lets other Realms of the namespace in mode World use this gatekeeper and its rooms, by world.gatekeeperOf. They are known to it within seconds, and no pod is restarted for them. Absent = none may. */
    worldHosting?: {
      /** Secret of the same namespace with the shared secrets of those worlds, each at the key that access.secret of the world names. The gatekeeper reads new keys when the kubelet has brought them to its pod, after a minute or two. */
      secretName?: string
    }
    /** The Job that creates and updates the tables of an External database. */
    migration?: {
      /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
      resources?: {
        /** Quantities by resource name, such as cpu and memory. */
        requests?: Record<string, number | string>
        /** Quantities by resource name, such as cpu and memory. */
        limits?: Record<string, number | string>
      }
    }
    /** Fields of every pod of the realm, for the schedulers, registries and tools of your cluster. cells.template.pods and gatekeeper.pods add to them. Labels and annotations of the operator cannot be changed. */
    pods?: {
      /** Labels of the pods. */
      labels?: Record<string, string>
      /** Annotations of the pods. */
      annotations?: Record<string, string>
      /** Labels a node must have to run the pods. */
      nodeSelector?: Record<string, string>
      /** Taints of nodes that the pods tolerate. */
      tolerations?: {
        /** Key of the taint; absent = every key. */
        key?: string
        /** How value is compared. */
        operator?: 'Exists' | 'Equal'
        /** Value of the taint. */
        value?: string
        /** Effect of the taint; absent = every effect. */
        effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
        /** Seconds for which a NoExecute taint is tolerated; absent = for ever. */
        tolerationSeconds?: number
      }[]
      /** Affinity to nodes and pods, as in any pod. */
      affinity?: Record<string, unknown>
      /** Secrets of the same namespace with which images are pulled. */
      imagePullSecrets?: {
        /** Name of the Secret. */
        name: string
      }[]
      /** Variables of every container, such as HTTPS_PROXY and NO_PROXY; the names that the operator sets itself are ignored. */
      env?: {
        /** Name of the variable. */
        name: string
        /** Value of the variable. */
        value?: string
        /** Key of a Secret of the same namespace that holds the value. */
        secret?: {
          /** Name of the Secret. */
          name: string
          /** Key within the Secret. */
          key: string
        }
      }[]
      /** PEM file of authorities that the pods trust besides the usual ones, for a proxy that inspects TLS, or servers with a private authority. */
      caCertificates?: {
        /** ConfigMap of the same namespace with the file. */
        configMapName?: string
        /** Secret of the same namespace with the file. */
        secretName?: string
        /** Key of the file. */
        key: string
      }
      /** PriorityClass of the pods. */
      priorityClassName?: string
    }
  }
  /** The service that reports where players are. */
  stats?: {
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
  }
  /** The message bus between the realm's services. */
  nats: {
    /** Managed runs a NATS server for this realm, External uses servers of yours. */
    type: 'Managed' | 'External'
    /** Servers of one NATS cluster. */
    urls?: string[]
    /** How the realm's services sign in. */
    credentials?: {
      /** Name of the Secret. */
      secretName: string
      /** Password reads the keys user and password of the Secret. CredentialsFile reads the key user.creds, a file with a JWT and the seed of an nkey, as nsc writes it. NkeySeed reads the key seed, SU…. Token reads the key token. Absent = Password. */
      type?: 'Password' | 'CredentialsFile' | 'NkeySeed' | 'Token'
    }
    /** Secret of the same namespace whose key ca.crt holds the authority that signed the servers' certificates. Absent = the authorities that every machine trusts. */
    caSecretName?: string
    /** Servers of a Managed NATS, 1 or 3; absent = 1. Three keep the realm together while a node is drained or lost. */
    replicas?: number
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
  }
  /** The media servers behind the rooms. */
  livekit: {
    /** External uses LiveKit servers of yours. Managed runs one small server for development. None gives the cells rooms of their own over WebSockets (RFC-5), which serve the Bevy explorer only: Unity and Godot need LiveKit (docs/explorers.md). */
    type: 'External' | 'Managed' | 'None'
    /** The URL at which players reach LiveKit, without a path. For Managed, only where they reach it neither by its Service inside the cluster nor, with service, at exposure.host: a route of yours then leads to port 7880 of the Service {name}-livekit. */
    url?: string
    /** Secret of the same namespace with the keys apiKey and apiSecret. */
    credentials?: {
      /** Name of the Secret. */
      secretName: string
    }
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
    /** Has players outside the cluster reach the media of a Managed LiveKit, by the Service {name}-livekit-media. Their signalling goes to /rtc of exposure.host, or to url. LiveKit tells players its address and ports itself, so a change of those restarts it: players connect again within seconds. Absent = players inside the cluster only. */
    service?: {
      /** NodePort opens the ports on every node; LoadBalancer has a load balancer of the cluster pass them on, with the same numbers. */
      type: 'NodePort' | 'LoadBalancer'
      /** Where players reach the ports. For NodePort that is one node, or what passes the ports on to the nodes. Absent, with LoadBalancer = the addresses that the load balancer gets, for which LiveKit waits before it starts. */
      addresses?: {
        /** The IPv4 address, such as 203.0.113.7. */
        ipv4?: string
        /** The IPv6 address, such as 2001:db8::7, without brackets. */
        ipv6?: string
      }
      /** Port of media over UDP: of the players, of the Service and of LiveKit itself. Absent, with LoadBalancer = 7882. */
      udpPort?: number
      /** Port of media over TCP, for players whose network lets no UDP pass; with NodePort a node port too. Not every load balancer takes UDP and TCP at one address. Absent = none. */
      tcpPort?: number
      /** Annotations of the Service, for what provides the load balancer. */
      annotations?: Record<string, string>
      /** Which load balancer provides the address, where there are several. Immutable, as in any Service: remove service first. */
      loadBalancerClass?: string
    }
  }
  /** The relay through which players see each other move, over UDP. Explorers are pointed at it by an argument or by a name server, never by /about: status.movement has the words for each of them. The relay knows the realm by its name only. */
  movement: {
    /** Managed is the relay of the operator's installation (values movement of its chart), if it has one. External is a relay of yours. None names none. Which explorers need a relay, with LiveKit and with embedded rooms, is in docs/explorers.md. */
    type: 'Managed' | 'External' | 'None'
    /** Host of an External relay as players reach it, with its port unless that is 7777: relay.example.org, 203.0.113.7:30777, "[2001:db8::7]". Unity explorers know no other port than 7777. */
    host?: string
  }
  /** The world of the realm, as /about describes it. */
  content: {
    /** Base URLs of content servers, in order of preference; healthy ones are found in the background. Without any, the world is empty. */
    catalysts: string[]
    /** A list of further catalysts, which the realm provider reads in the background and adds after those of catalysts. While it cannot be read, what it said last holds. Scenes are named, and wallets looked up, by those of catalysts only. */
    catalystList?: {
      /** Answers a JSON list of objects with a baseUrl each, as https://peer.decentraland.org/lambdas/contracts/servers does for the catalysts that the DAO of Decentraland elected. Listed servers that are not reached over https, or are in a private network, are left out; name such in catalysts. */
      url: string
      /** How many catalysts of the list are used at most. */
      max: number
    }
    /** Where catalysts are: a player whose location the realm provider knows gets the nearest one. The public ones of Decentraland are known. */
    catalystLocations?: {
      /** One of catalysts, or of catalystList. */
      url: string
      /** ISO 3166 alpha-2 code of its country, such as IE. */
      country?: string
      /** Where it is, in degrees. */
      coordinates?: {
        /** North is positive. */
        latitude: number
        /** East is positive. */
        longitude: number
      }
    }[]
    /** Ethereum chain id: 1 mainnet, 11155111 sepolia. */
    networkId: number
    /** Fixed scenes, as urn:decentraland:entity:CID?=&baseUrl=URL. Not empty = the realm shows only these. */
    scenesUrn: string[]
    /** Scenes that run everywhere in the realm, written like scenesUrn. */
    globalScenesUrn: string[]
    /** Parcels whose scenes explorers load wherever the player is, as "x,y". Absent = as the catalyst says. */
    localSceneParcels?: string[]
    /** Content server from which explorers load the scenes around the player. "" = none: explorers then show scenesUrn only. Absent = as the catalyst says, or the content server of the realm. */
    cityLoaderContentServer?: string
    /** Further services of the world, such as events, places, social, notifications, cameraReel, marketplace and badges. The realm provider asks each whether it works, and /about has them in services, with publicUrl and healthy. */
    services?: {
      /** Name of the service in /about. */
      name: string
      /** Base URL of the service. */
      url: string
      /** Path below url that answers 2xx while the service works. Absent = /ping. */
      healthPath?: string
    }[]
    /** The sky. Absent = as the catalyst says. */
    skybox?: {
      /** Time of day at which the sun stands still, in seconds since midnight, whatever the name says: 43200 is noon. Absent = the sun moves. */
      fixedHour?: number
      /** Images of the sky, as URLs or as names of files of a scene. */
      textures?: string[]
    }
    /** The minimap as old explorers read it; newer ones read map. Absent = as the catalyst says. */
    minimap?: {
      /** Whether explorers show a minimap. */
      enabled?: boolean
      /** URL of an image of the map. */
      dataImage?: string
      /** URL of an image of the map. */
      estateImage?: string
    }
    /** The playable parcels, and images of them. */
    map: {
      /** Whether explorers show a minimap. */
      minimapEnabled: boolean
      /** Rectangles of playable parcels. */
      sizes: {
        /** Parcel coordinate of this side, included. */
        left: number
        /** Parcel coordinate of this side, included. */
        top: number
        /** Parcel coordinate of this side, included. */
        right: number
        /** Parcel coordinate of this side, included. */
        bottom: number
      }[]
      /** Images of the map by zoom level: {baseUrl}/{zoom}/{x},{y}{suffixUrl}. Absent = as the catalyst says. */
      satelliteView?: {
        /** How the images are cut and named. */
        version: 'v1'
        /** URL below which the images are. */
        baseUrl: string
        /** End of the names of images, such as .jpg. */
        suffixUrl?: string
        /** By how many parcels the first image begins beside the top left parcel. */
        topLeftOffset?: {
          /** In parcels. */
          horizontal: number
          /** In parcels. */
          vertical: number
        }
      }
      /** Images of the map by zoom level: {baseUrl}/{zoom}/{x},{y}{suffixUrl}. Absent = as the catalyst says. */
      thumbnailView?: {
        /** How the images are cut and named. */
        version: 'v1'
        /** URL below which the images are. */
        baseUrl: string
        /** End of the names of images, such as .jpg. */
        suffixUrl?: string
        /** By how many parcels the first image begins beside the top left parcel. */
        topLeftOffset?: {
          /** In parcels. */
          horizontal: number
          /** In parcels. */
          vertical: number
        }
      }
      /** An image with a pixel for each parcel. Absent = as the catalyst says. */
      parcelView?: {
        /** How the images are cut and named. */
        version: 'v1'
        /** URL of an image of the map. */
        imageUrl: string
      }
    }
  }
  /** How players outside the cluster reach the realm. */
  exposure: {
    /** Ingress creates one Ingress for the whole life of the realm, Gateway a few HTTPRoutes of the Gateway API, with a path for each of cells.max slots: scaling and rollouts change neither. LoadBalancer is for clusters that have neither: it creates one Service of that type, {name}-proxy, and behind it a few pods of nginx that read the paths. None creates nothing: the realm is reached inside the cluster, or through a route of yours (url). The condition RouteAccepted says what their controller answers. */
    type: 'None' | 'Ingress' | 'Gateway' | 'LoadBalancer'
    /** Host name at which players reach the realm, by an Ingress, a Gateway or a load balancer, to whose address it leads. Absent, with LoadBalancer = that address itself, for which the cells wait before they start; explorers who hold an earlier one have to enter the realm anew. */
    host?: string
    /** IngressClass; the cluster's default when absent. */
    className?: string
    /** The Gateway whose listeners serve the realm; it allows routes of this namespace. */
    gateway?: {
      /** Name of the Gateway. */
      name: string
      /** Namespace of the Gateway; absent = that of the Realm. */
      namespace?: string
      /** Listener of the Gateway; absent = all that are for the host. */
      sectionName?: string
      /** How long a request, and with many controllers a WebSocket, may last. Unlimited asks the controller for no limit (timeouts.request 0s). Unset asks for nothing, for controllers that refuse a route with time-outs, such as that of GKE: set the time-out of their backends instead. Absent = Unlimited. */
      requestTimeout?: 'Unlimited' | 'Unset'
    }
    /** Where TLS of host ends. Secret is at the Ingress, or at the proxy behind the load balancer, with the certificate of tlsSecretName. Terminated is in front of them, or with a certificate that the controller or the listener of the Gateway has itself: a load balancer with a certificate of its cloud, a CDN, a wildcard for all hosts; players are given https and wss. None is nowhere, and they are given http and ws. Absent = Secret with tlsSecretName, None without. */
    tls?: 'Secret' | 'Terminated' | 'None'
    /** Secret with the certificate of host. Explorers other than Bevy and Godot demand TLS. */
    tlsSecretName?: string
    /** Annotations of the Ingress or of the HTTPRoutes, for their controller. Those of an Ingress are added to what the operator sets for sockets that stay open (docs/networking.md), and have precedence. */
    annotations?: Record<string, string>
    /** Annotations of the Services to which routes lead, those of type None among them, for controllers and load balancers that read them there, such as a BackendConfig of GKE. With LoadBalancer, those of its Service alone. */
    serviceAnnotations?: Record<string, string>
    /** The Service of type LoadBalancer, and the pods of nginx behind it. */
    loadBalancer?: {
      /** Which load balancer provides the address, where there are several. Immutable, as in any Service: change type first. */
      loadBalancerClass?: string
      /** Networks from which the load balancer takes connections, where it can tell. Absent = all. */
      sourceRanges?: string[]
      /** Local has connections arrive with the addresses of players, at nodes with a pod of nginx. Cluster takes them at every node, and shows the addresses of nodes, by which limits per address cannot tell players apart. Absent = Local. */
      externalTrafficPolicy?: 'Local' | 'Cluster'
      /** How many pods of nginx there are. Absent = 2. */
      replicas?: number
      /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
      resources?: {
        /** Quantities by resource name, such as cpu and memory. */
        requests?: Record<string, number | string>
        /** Quantities by resource name, such as cpu and memory. */
        limits?: Record<string, number | string>
      }
    }
    /** Base URL under which a route of yours leads to the realm's Services: {url}/cells/{slot}, {url}/gatekeeper, {url}/stats; and {url}/about, /scenes, /content and /lambdas to its stats, of a World to its gatekeeper, so that {url} can be given to explorers as the realm. If it has a path, the route removes it from requests. */
    url?: string
    /** The proxies whose X-Forwarded-For says from which address a player connects; limits per address count players by it, and no other client is believed. A change replaces the cells as a change of version does. */
    trustedProxies?: {
      /** Networks of the proxies, such as 10.0.0.0/8. Absent = for type None no proxy is believed; for the others all private networks, where their proxies are. */
      cidrs?: string[]
      /** How many further proxies there are between the players and those of cidrs, such as a CDN whose addresses change. Set it only where no player can connect without passing all of them: others would choose the address they are counted as. Absent = 0. */
      hops?: number
    }
    /** Connections that each connector, and each pod with embedded rooms, accepts from one IPv4 address or IPv6 /64 network. Raise it where many players share an address, as in a school. Private addresses and proxies, which stand for any number of players, have no such limit. A change replaces the cells as a change of version does. Absent = 100. */
    maxConnectionsPerAddress?: number
  }
  /** Which connections to and from the realm's pods are allowed. */
  networkPolicy: {
    /** Strict denies every connection but those that the parts of the realm need. None closes only a Managed NATS to other pods. */
    type: 'Strict' | 'None'
    /** Namespaces of the ingress controllers, gateways or proxies through which players connect. A controller whose pods use the network of their node (hostNetwork) has the address of the node and is in no namespace for this: name the networks of the nodes in entryCidrs. Absent, with entryCidrs = from anywhere. */
    entryNamespaces?: string[]
    /** Networks from which players connect, or through whose proxies they do, such as those of nodes or of a load balancer; added to entryNamespaces. */
    entryCidrs?: string[]
    /** Further connections that every pod of the realm may open, such as to the control plane of a mesh or to a proxy; added to those that its parts need. */
    egress?: {
      /** Networks. Absent, with namespaces and podLabels = any address. */
      cidrs?: string[]
      /** Namespaces of pods. Absent, with podLabels = that of the realm. */
      namespaces?: string[]
      /** Labels that the pods have; those of the pods in namespaces, where it is given. */
      podLabels?: Record<string, string>
      /** Ports. Absent = every port. */
      ports?: {
        /** Number of the port. */
        port: number
        /** Protocol; absent = TCP. */
        protocol?: 'TCP' | 'UDP' | 'SCTP'
      }[]
    }[]
    /** Namespaces of the pods that read metrics. */
    monitorNamespaces?: string[]
  }
  /** Where the realm is published besides the realm provider of its own cluster, which watches Realms and needs no entry here. */
  publication: {
    /** Whether the name of the realm may be served by Realms of several clusters, which must all say so. Players are sent to the nearest that is healthy and has room; their islands are apart. Absent = false: the name is of one Realm. */
    shared?: boolean
    /** Where the cluster is, for players to be sent to the nearest one. */
    location?: {
      /** ISO 3166 alpha-2 code of its country, such as IE. */
      country?: string
      /** Where it is, in degrees. */
      coordinates?: {
        /** North is positive. */
        latitude: number
        /** East is positive. */
        longitude: number
      }
    }
    /** Realm providers of other clusters. The operator leases the realm's name there for as long as the realm serves players. It connects only to providers of the value publication.providers of its chart, which also names their tokens. */
    providers: {
      /** Base URL of the realm provider, without a slash at the end. */
      url: string
      /** Seconds for which the provider goes on serving the realm after the operator renewed the lease for the last time, so how long the realm outlives a lost cluster. Absent = 60. The operator supplies this number; it is not written into the object, where GitOps tools would report it as a difference. */
      ttlSeconds?: number
    }[]
  }
  /** Lets the operator choose the number of connectors, and optionally of cells, by the players it counts: more as soon as there are too many players, fewer one by one after there were fewer for a while, neither while cells are replaced or drained. It adds connectors first, then cells. Its decisions and their reasons are in status.autoscale; it never writes spec. Absent = off: the numbers are those of cells.replicas and cells.template.connectors.replicas, or of an autoscaler of yours on /scale. A cell whose connectors another client scales keeps its number. */
  autoscale?: {
    /** Players a connector is meant for. With more, the cell gets connectors, a tenth more than they need. Further players are not refused. */
    playersPerConnector: number
    /** How many connectors each cell may have. */
    connectors: {
      /** Fewest connectors of a cell. */
      min: number
      /** Most connectors of a cell. */
      max: number
    }
    /** How many cells the realm may have. One is added when each that serves has as many connectors as it may have and more players than they are meant for, or as many players as cells.capacity; one is removed when the others had had room for all players, with a fifth to spare. Absent = cells.replicas is the number. */
    cells?: {
      /** Fewest cells of the realm. */
      min: number
      /** Most cells of the realm. */
      max: number
    }
    /** Seconds for which one fewer must have been enough before one is removed. A new operator process counts them from its start. */
    scaleDownAfterSeconds: number
  }
  /** How a change of version, of cells.template.topology or archipelago, of pods, or of the NATS or LiveKit reaches the cells: slot by slot a new cell starts, is joined as a player would, gets the slot, and the old cell is drained and removed. Setting the change back undoes it the same way. */
  rollout: {
    /** Whether everything of the realm that runs stays as it is for now: no cell, gatekeeper, statistics, NATS or LiveKit is replaced or restarted, and the Ingress and the URLs stay. Only the numbers of cells and connectors still change, because players come and go; added cells are like those that serve. */
    paused: boolean
    /** After how many slots a rollout waits for you to raise or remove this number; the gatekeeper, the statistics, NATS and LiveKit wait as well. A change that is set back is undone without waiting. Absent = it does not wait. */
    canaryCells?: number
    /** Required lets a cell replace another only after the operator joined it as a player would: signed in, moved, and was given an island. None relies on the readiness of its pods, for an operator that cannot reach the cells. */
    joinProbe: 'Required' | 'None'
    /** Percent of the players who signed in to new cells and reported a position that have to be given an island, or no further cell is replaced. Counted by the connectors over ten minutes, from 20 such players on; players who cannot sign in, or who leave at once, do not count. 0 = off. */
    minJoinRate: number
    /** Most players each draining connector disconnects in a minute, unless that takes longer than cells.template.connectors.drainSeconds. Absent = evenly over drainSeconds. */
    playersPerMinute?: number
    /** Seconds a new cell has to start and to be joined before the realm is Stalled. The operator goes on waiting beyond that. */
    progressDeadlineSeconds: number
  }
}

/** The state of the realm, as last seen by the operator. */
export interface RealmStatus {
  /** metadata.generation this status describes; -1 before the operator has seen the object. */
  observedGeneration?: number
  /** The installation of the operator that manages this realm; others which watch it leave it alone. */
  operator?: {
    /** Namespace and name of the Lease of its leader election. */
    lease: string
    /** Whether it watches one namespace or the whole cluster. */
    scope: 'Cluster' | 'Namespace'
  }
  /** Cells that exist. */
  replicas?: number
  /** Cells that serve players. */
  readyReplicas?: number
  /** Cells that run what spec says now. */
  updatedReplicas?: number
  /** Label selector of the serving connectors; read by /scale. */
  selector?: string
  /** About how many players are connected, such as 100+; metrics have exact numbers. */
  players?: string
  /** The last decision of autoscaling; absent while autoscaling is off. */
  autoscale?: {
    /** Cells the realm should have. */
    cells: number
    /** Connectors all cells together should have. */
    connectors: number
    /** When a number was last changed. */
    changedAt: string
    /** Why the numbers are what they are, in one word. */
    reason: 'Started' | 'MorePlayers' | 'FewerPlayers' | 'Bounds' | 'AtMaximum' | 'PlayersUnknown' | 'Settled' | 'Hibernated'
    /** The reason in a sentence, with the numbers of that moment. */
    message: string
  }
  /** URLs of the realm. */
  urls?: {
    /** The realm's description: at the public URL of the realm provider (provider.baseUrl of the chart), else at the host of the realm, else at the realm provider inside the cluster, which players do not reach. */
    about?: string
    /** Base URL of the gatekeeper. */
    gatekeeper?: string
    /** Base URLs of the gatekeeper at those of gatekeeper.hosts that are this realm's. */
    gatekeeperHosts?: string[]
    /** Base URL of the statistics. */
    stats?: string
  }
  /** The load balancer of a realm that is exposed by one; absent until it has an address. */
  loadBalancer?: {
    /** Its IP address or host name, to which exposure.host has to lead. The last known one while it has none. */
    address: string
  }
  /** Where players outside the cluster reach a Managed LiveKit; absent while they do not. */
  livekit?: {
    /** URL of its signalling. */
    url: string
    /** Addresses of its media, one of each family at most. */
    addresses: string[]
    /** Port of media over UDP. */
    udpPort: number
    /** Port of media over TCP, if it has one. */
    tcpPort?: number
  }
  /** The movement relay of the realm, and how each explorer is pointed at it; absent while there is none. */
  movement?: {
    /** Host and port of the relay, UDP. */
    host: string
    /** The environment variable of the Bevy explorer. */
    bevy: string
    /** A link that opens the realm in the Godot explorer. */
    godot: string
    /** What the name server of players with the Unity explorer has to answer. */
    unity: string
  }
  /** Where players connect, one entry per slot that has a cell. The realm provider publishes those that are Serving. */
  endpoints?: {
    /** Number of the slot. */
    slot: number
    /** Value of comms.adapter in /about (ADR-180). */
    adapter: string
    /** Name of the CommsCell that serves the slot; in mode World, of the gatekeeper. */
    cell: string
    /** Whether the cell serves players. A Draining cell takes no new players. */
    state: 'Starting' | 'Serving' | 'Unhealthy' | 'Draining'
  }[]
  /** Conditions of this object, as kubectl wait and GitOps tools read them. */
  conditions?: {
    /** Name of the condition. */
    type: string
    /** Whether the condition is true. */
    status: 'True' | 'False' | 'Unknown'
    /** metadata.generation the condition describes. */
    observedGeneration?: number
    /** When status last changed. */
    lastTransitionTime: string
    /** Why, in one word of a closed set. */
    reason: string
    /** The reason in a sentence, with what to do. */
    message: string
  }[]
}

/** A comms cell is one isolated comms stack of a realm: connectors and one archipelago. Players of one cell share islands, players of two cells do not. The operator creates one CommsCell per slot of a Realm, and a second one while it replaces the first. One that you create yourself serves at the slot it names, beside those of the operator. */
export interface CommsCell {
  apiVersion: 'comms.decentraland.org/v1alpha1'
  kind: 'CommsCell'
  metadata: ObjectMeta
  spec: CommsCellSpec
  status?: CommsCellStatus
}

/** The desired state of the cell. */
export interface CommsCellSpec {
  /** The Realm of the same namespace this cell belongs to. Immutable. */
  realmRef: {
    /** Name of the Realm. */
    name: string
  }
  /** Which of the realm's slots, and so which stable URL, this cell serves. Immutable. */
  slot: number
  /** Draining cordons the cell: it leaves the publication and its slot, so that no new players come, while its players may stay. Drained also disconnects them, spread over connectors.drainSeconds, and then stops the pods. Serving, or no value, takes it back. */
  desiredState?: 'Serving' | 'Draining' | 'Drained'
  /** Revision of the Realm the cell was created from; set by the operator, which replaces the cell when the Realm has another one. Immutable. */
  revision?: string
  /** Base URL under which players reach the slot; their socket is at {url}/ws. */
  url: string
  /** Base URL of the gatekeeper that connectors and embedded rooms query for bans. Set by the operator when it creates the cell, and not changed afterwards, because a change restarts their pods. Absent = no player is banned. */
  gatekeeperUrl?: string
  /** How connectors report their sessions to the movement relay, and learn from it where players are whose explorer sends no heartbeats. Set by the operator when it creates the cell, and not changed afterwards. Absent = such players get no island. */
  movement?: {
    /** URL at which the relay takes the reports of the realm. */
    reportsUrl: string
    /** Secret of the same namespace whose key token holds the token of the realm at the relay. It may come later than the cell. */
    secretName: string
  }
  /** URL of a deny list, {"users":[{"wallet":"0x…"}]}: wallets that connectors and embedded rooms refuse. */
  denyList?: string
  /** URL of an Ethereum JSON-RPC server, to check the signatures of contract wallets; without it they are refused. */
  ethereum?: string
  /** How connections of players reach the cell. */
  exposure?: {
    /** The proxies whose X-Forwarded-For says from which address a player connects; limits per address count players by it, and no other client is believed. Absent = no proxy. */
    trustedProxies?: {
      /** Networks of the proxies, such as 10.0.0.0/8. */
      cidrs?: string[]
      /** How many further proxies there are between the players and those of cidrs, such as a CDN whose addresses change. Set it only where no player can connect without passing all of them: others would choose the address they are counted as. Absent = 0. */
      hops?: number
    }
    /** Connections that each connector, and each pod with embedded rooms, accepts from one IPv4 address or IPv6 /64 network. Raise it where many players share an address, as in a school. Private addresses and proxies, which stand for any number of players, have no such limit. Absent = 100. */
    maxConnectionsPerAddress?: number
  }
  /** How the services of the cell run: Split gives connectors and archipelago pods of their own; in Compact each connector is a process that is an archipelago too. Immutable. */
  topology: 'Split' | 'Compact'
  /** What the statistics of the realm need that run in each process of a Compact cell; set by the operator. Absent = this cell runs none. */
  statistics?: {
    /** Name of the realm, as players see it. */
    realmName: string
    /** Their user at the NATS of the cell, and the key of its password in the Secret of nats.credentials. Absent = the user of the cell. */
    natsUser?: string
    /** Base URL of the realm provider, which they ask for what is described at the host of the realm. Absent = none is asked. */
    providerUrl?: string
    /** Content servers that know the scenes of parcels; the first that answers is asked. */
    contentUrls?: string[]
  }
  /** Image of the cell: a tag, or a digest such as sha256:…. */
  version: string
  /** Fields of every pod of the cell, for the schedulers, registries and tools of your cluster. Labels and annotations of the operator cannot be changed. */
  pods?: {
    /** Labels of the pods. */
    labels?: Record<string, string>
    /** Annotations of the pods. */
    annotations?: Record<string, string>
    /** Labels a node must have to run the pods. */
    nodeSelector?: Record<string, string>
    /** Taints of nodes that the pods tolerate. */
    tolerations?: {
      /** Key of the taint; absent = every key. */
      key?: string
      /** How value is compared. */
      operator?: 'Exists' | 'Equal'
      /** Value of the taint. */
      value?: string
      /** Effect of the taint; absent = every effect. */
      effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
      /** Seconds for which a NoExecute taint is tolerated; absent = for ever. */
      tolerationSeconds?: number
    }[]
    /** Affinity to nodes and pods, as in any pod. */
    affinity?: Record<string, unknown>
    /** Secrets of the same namespace with which images are pulled. */
    imagePullSecrets?: {
      /** Name of the Secret. */
      name: string
    }[]
    /** Variables of every container, such as HTTPS_PROXY and NO_PROXY; the names that the operator sets itself are ignored. */
    env?: {
      /** Name of the variable. */
      name: string
      /** Value of the variable. */
      value?: string
      /** Key of a Secret of the same namespace that holds the value. */
      secret?: {
        /** Name of the Secret. */
        name: string
        /** Key within the Secret. */
        key: string
      }
    }[]
    /** PEM file of authorities that the pods trust besides the usual ones, for a proxy that inspects TLS, or servers with a private authority. */
    caCertificates?: {
      /** ConfigMap of the same namespace with the file. */
      configMapName?: string
      /** Secret of the same namespace with the file. */
      secretName?: string
      /** Key of the file. */
      key: string
    }
    /** PriorityClass of the pods. */
    priorityClassName?: string
  }
  /** The players' WebSockets. */
  connectors: {
    /** Connector pods. Set by kubectl scale. */
    replicas: number
    /** Seconds over which a stopping connector spreads the closing of its players' sockets, so that the players do not all reconnect at once. */
    drainSeconds: number
    /** Most players each draining connector disconnects in a minute, unless that takes longer than drainSeconds. Absent = evenly over drainSeconds. */
    playersPerMinute?: number
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
  }
  /** The clustering of players into islands, each of which is one room. */
  archipelago: {
    /** Two islands may merge once a player of one is at most this many metres from a player of the other, on the ground plane. */
    joinDistance: number
    /** An island splits where neighbouring players are more than this many metres apart, on the ground plane. */
    leaveDistance: number
    /** Most players one island may have. */
    islandSize: number
    /** Milliseconds from one clustering to the next. */
    flushPeriodMilliseconds: number
    /** CPU and memory of the container, as in any pod. Absent = a small request that covers the process without players, and no limit; {} = neither. */
    resources?: {
      /** Quantities by resource name, such as cpu and memory. */
      requests?: Record<string, number | string>
      /** Quantities by resource name, such as cpu and memory. */
      limits?: Record<string, number | string>
    }
  }
  /** The bus between the cell's processes. Absent only where a cell is a single process, as on a laptop. */
  nats?: {
    /** Servers of one NATS cluster. */
    urls: string[]
    /** How the cell's services sign in. Where user is given, the key of its password has that name. */
    credentials?: {
      /** Password reads the keys user and password of the Secret. CredentialsFile reads the key user.creds, a file with a JWT and the seed of an nkey, as nsc writes it. NkeySeed reads the key seed, SU…. Token reads the key token. Absent = Password. */
      type?: 'Password' | 'CredentialsFile' | 'NkeySeed' | 'Token'
      /** Name of the Secret. */
      secretName: string
      /** Name of the user, and the key of the password. */
      user?: string
    }
    /** Secret of the same namespace whose key ca.crt holds the authority that signed the servers' certificates. */
    caSecretName?: string
  }
  /** The LiveKit whose rooms the islands are. Absent = the cell's own rooms over WebSockets (RFC-5). */
  livekit?: {
    /** The URL at which players reach LiveKit, without a path. */
    url: string
    /** Secret of the same namespace with the keys apiKey and apiSecret. */
    credentials: {
      /** Name of the Secret. */
      secretName: string
    }
  }
}

/** The state of the cell, as last seen by the operator. */
export interface CommsCellStatus {
  /** metadata.generation this status describes; -1 before the operator has seen the object. */
  observedGeneration?: number
  /** Connectors that exist. */
  replicas?: number
  /** Connectors that take players. */
  readyReplicas?: number
  /** Ready connectors that run what spec says now. */
  updatedReplicas?: number
  /** Label selector of the connectors; read by /scale. */
  selector?: string
  /** About how many players are connected, such as 100+; metrics have exact numbers. */
  players?: string
  /** The state of the cell in one word. */
  state?: 'Starting' | 'Serving' | 'Unhealthy' | 'Draining' | 'Drained'
  /** Conditions of this object, as kubectl wait and GitOps tools read them. */
  conditions?: {
    /** Name of the condition. */
    type: string
    /** Whether the condition is true. */
    status: 'True' | 'False' | 'Unknown'
    /** metadata.generation the condition describes. */
    observedGeneration?: number
    /** When status last changed. */
    lastTransitionTime: string
    /** Why, in one word of a closed set. */
    reason: string
    /** The reason in a sentence, with what to do. */
    message: string
  }[]
}
