/** What the installation of the operator decides for every realm: values of its Helm chart. */
export interface Platform {
  /** Repository of the cells' image, without tag; the tag or digest is the realm's `spec.version`. */
  imageRepository: string
  /** Image of a Managed NATS, with tag. */
  natsImage: string
  /** Image of a Managed LiveKit, with tag. */
  livekitImage: string
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  /** DNS suffix of Services, usually `cluster.local`. */
  clusterDomain: string
  /** Where the operator and the realm provider run: they may ask every realm's pods. */
  namespace: string
  /** Base URL at which the realm provider is watched, and named in status. */
  providerUrl: string
}

/** The image of the cells in one version: a tag, or a digest. */
export const imageOf = ({ imageRepository }: Platform, version: string): string =>
  version.startsWith('sha256:') ? `${imageRepository}@${version}` : `${imageRepository}:${version}`
