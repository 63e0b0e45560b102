import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../parts/command.ts'
import type { Addresses, NodeAddresses } from './addresses.ts'
import { makeCgroup } from './cgroups.ts'
import { BIN, Machine, STATE } from './machine.ts'

/** Open files a process may have where the kernel does not let the limit be raised. */
const MAX_OPEN_FILES = 20_000

/** A machine that can run pods. */
export interface ClusterNode {
  name: string
  address: string
  machine: Machine
}

/** Creates a machine, connects it to the cluster's bridge, and starts its container runtime. */
export async function startNode(
  addresses: Addresses,
  index: number,
  nodes: number,
  folder: string,
  bin: string,
): Promise<ClusterNode> {
  const node = addresses.node(index)
  makeCgroup(node.cgroup)
  const own = join(folder, node.name)
  mkdirSync(join(own, 'net.d'), { recursive: true })
  writeFileSync(join(own, 'containerd.toml'), containerdConfig(node))
  writeFileSync(join(own, 'net.d', '10-bridge.conflist'), JSON.stringify(podNetwork(node)))
  writeFileSync(join(own, 'kubelet.json'), JSON.stringify(kubeletConfig(addresses, node)))

  const machine = await Machine.start(node.name, folder, bin, join(own, 'log'))
  try {
    await cable(machine, addresses, index, nodes)
  } catch (error) {
    await machine.kill()
    throw error
  }
  machine.launch('containerd', ['--config', `${STATE}/${node.name}/containerd.toml`])
  return { name: node.name, address: node.address, machine }
}

async function cable(machine: Machine, addresses: Addresses, index: number, nodes: number): Promise<void> {
  const node = addresses.node(index)
  await runCommand('ip', ['link', 'add', node.link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine.pid)])
  await runCommand('ip', ['link', 'set', node.link, 'master', addresses.bridge, 'up'])
  const others = [...Array(nodes).keys()].filter((other) => other !== index).map((other) => addresses.node(other))
  await machine.run(
    'bash',
    '-ec',
    [
      `ip address add ${node.address}/24 dev eth0`,
      'ip link set eth0 up',
      `ip route add default via ${addresses.host.split('/')[0]}`,
      ...others.map((other) => `ip route add ${other.pods} via ${other.address}`),
    ].join('\n'),
  )
  // This machine reaches the pods too.
  await runCommand('ip', ['route', 'add', node.pods, 'via', node.address])
}

/** Starts kubelet, kube-proxy and the rest of a node in a machine; the API server must answer already. */
export function joinCluster({ machine, name, address }: ClusterNode, addresses: Addresses): void {
  const own = `${STATE}/${name}`
  machine.launch(`${BIN}/kubelet`, [
    `--config=${own}/kubelet.json`,
    `--kubeconfig=${STATE}/${name}.conf`,
    `--hostname-override=${name}`,
    `--node-ip=${address}`,
    `--root-dir=${own}/kubelet`,
    `--cert-dir=${own}/pki`,
  ])
  machine.launch(`${BIN}/kube-proxy`, [
    `--kubeconfig=${STATE}/kube-proxy.conf`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${addresses.pods}`,
    `--hostname-override=${name}`,
    // These limits apply to the whole real machine, so they are not changed.
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
    '--oom-score-adj=0',
  ])
}

/** The image of the container that keeps the network namespace of a pod open. */
export const PAUSE_IMAGE = 'localhost/pause:1'

const containerdConfig = ({ name }: NodeAddresses): string => `version = 2
root = "${STATE}/${name}/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  disable_tcp_service = true
  # Where the machine does not let root lower a score, every pod would fail to start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${STATE}/${name}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/containerd-opt"
`

const podNetwork = ({ pods }: NodeAddresses): object => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }], dataDir: '/run/ipam' },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

const kubeletConfig = (addresses: Addresses, { name, cgroup }: NodeAddresses): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroup}`,
  oomScoreAdj: 0,
  maxOpenFiles: MAX_OPEN_FILES,
  failSwapOn: false,
  // CoreDNS runs beside the API server and not as a pod, so that it answers before the first pod starts.
  clusterDNS: [addresses.node(0).address],
  clusterDomain: 'cluster.local',
  resolvConf: '/dev/null',
  podLogsDir: `${STATE}/${name}/pods`,
  volumePluginDir: `${STATE}/${name}/volume-plugins`,
  authentication: { anonymous: { enabled: false }, x509: { clientCAFile: `${STATE}/ca.crt` }, webhook: { enabled: true } },
  authorization: { mode: 'Webhook' },
  // The disk is shared with all other programs of this machine, so its free space must not evict pods.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
})
