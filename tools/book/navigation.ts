/** A page in the navigation: its file in the repository, and its name there. */
export type Entry = readonly [name: string, file: string]

/** The navigation of the book, in the order in which a newcomer asks. A test compares it with the pages there are. */
export const navigation: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Quickstarts',
    entries: [
      ['What this is', 'README.md'],
      ['On a laptop', 'docs/quickstarts/laptop.md'],
      ['On one Linux machine', 'docs/quickstarts/one-machine.md'],
      ['kind and minikube', 'docs/quickstarts/kind.md'],
      ['In a cluster of a cloud', 'docs/quickstarts/cloud.md'],
      ['Examples', 'examples/README.md'],
    ],
  },
  {
    title: 'Concepts',
    entries: [
      ['Realm', 'docs/concepts/realm.md'],
      ['Cell', 'docs/concepts/cell.md'],
      ['Slot', 'docs/concepts/slot.md'],
      ['Island', 'docs/concepts/island.md'],
      ['Room', 'docs/concepts/room.md'],
      ['Movement relay', 'docs/concepts/relay.md'],
      ['Publication', 'docs/concepts/publication.md'],
      ['Explorers', 'docs/explorers.md'],
      ['Glossary', 'docs/glossary.md'],
    ],
  },
  {
    title: 'How to',
    entries: [
      ['Install', 'docs/install.md'],
      ['A realm of a cluster on your machine', 'docs/guides/forward.md'],
      ['Expose a realm, with TLS', 'docs/guides/expose.md'],
      ['Networking by controller', 'docs/networking.md'],
      ['Scale', 'docs/scaling.md'],
      ['Autoscale', 'docs/guides/autoscale.md'],
      ['Roll out a version', 'docs/guides/roll-out.md'],
      ['Run worlds', 'docs/worlds.md'],
      ['Moderate', 'docs/guides/moderate.md'],
      ['Serve one realm from several clusters', 'docs/guides/several-clusters.md'],
      ['Use servers of yours', 'docs/guides/servers-of-yours.md'],
      ['Deploy from a repository', 'docs/guides/gitops.md'],
      ['Install without the internet', 'docs/guides/air-gap.md'],
      ['Run on OpenShift', 'docs/guides/openshift.md'],
    ],
  },
  {
    title: 'Operations',
    entries: [
      ['Monitoring', 'docs/monitoring.md'],
      ['Console', 'docs/console.md'],
      ['Runbooks', 'docs/runbooks/README.md'],
      ['Upgrades', 'docs/guides/upgrade.md'],
      ['Backup and restore', 'docs/guides/backup.md'],
      ['Capacity planning', 'docs/guides/capacity.md'],
      ['A lost cluster', 'docs/guides/lost-cluster.md'],
      ['What players notice', 'docs/disruption.md'],
      ['Performance', 'docs/performance.md'],
    ],
  },
  {
    title: 'Troubleshooting',
    entries: [
      ['By symptom', 'docs/troubleshooting/symptoms.md'],
      ['By condition reason', 'docs/troubleshooting/reasons.md'],
      ['Questions and answers', 'docs/faq.md'],
    ],
  },
  {
    title: 'Reference',
    entries: [
      ['Realm and CommsCell', 'docs/reference/api.md'],
      ['Values of the chart', 'helm/README.md'],
      ['realmctl', 'docs/reference/realmctl.md'],
      ['Metrics', 'docs/reference/metrics.md'],
      ['Environment variables', 'docs/reference/environment.md'],
      ['Codes', 'docs/reference/codes.md'],
      ['Routes of the gatekeeper', 'docs/gatekeeper.md'],
      ['Platforms', 'docs/platforms.md'],
      ['Limits and supported versions', 'docs/limits.md'],
      ['By hand, or by this operator', 'docs/by-hand.md'],
    ],
  },
  {
    title: 'Behind it',
    entries: [
      ['Architecture', 'docs/architecture.md'],
      ['Security model', 'docs/security.md'],
      ['Clustering', 'docs/clustering.md'],
      ['Continuity', 'docs/continuity.md'],
      ['Decisions', 'docs/adr/README.md'],
      ['Releases', 'docs/releases.md'],
      ['Contributing', 'CONTRIBUTING.md'],
      ['Report a vulnerability', 'SECURITY.md'],
      ['Changes', 'CHANGELOG.md'],
    ],
  },
]

/** Folders whose pages are reached by the README of the folder, so that the navigation has that one only. */
export const listedByTheirReadme = ['docs/runbooks/', 'docs/adr/'] as const
