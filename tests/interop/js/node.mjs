// A js-libp2p node for the tests: prints its address, then does what each line of its input asks.
import { createInterface } from 'node:readline'

if (!Promise.withResolvers) { // Node 20
  Promise.withResolvers = function () {
    let resolve, reject
    const promise = new this((yes, no) => { resolve = yes; reject = no })
    return { promise, resolve, reject }
  }
}

const { noise } = await import('@chainsafe/libp2p-noise')
const { yamux } = await import('@chainsafe/libp2p-yamux')
const { gossipsub } = await import('@libp2p/gossipsub')
const { identify } = await import('@libp2p/identify')
const { ping } = await import('@libp2p/ping')
const { tcp } = await import('@libp2p/tcp')
const { multiaddr } = await import('@multiformats/multiaddr')
const { createLibp2p } = await import('libp2p')

const ECHO = '/p2pchat/test/echo/1'
const TOPIC = 't'
const say = (what) => console.log(JSON.stringify(what))

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, emitSelf: false, globalSignaturePolicy: 'StrictSign' })
  }
})

await node.handle(ECHO, async (stream) => {
  for await (const piece of stream) stream.send(piece)
  await stream.close()
})
node.services.pubsub.subscribe(TOPIC)
node.services.pubsub.addEventListener('message', (event) => {
  say({ heard: new TextDecoder().decode(event.detail.data), type: event.detail.type })
})

// Sends one frame (32-bit length, body) and collects as many bytes as were sent.
async function echo (address, size) {
  const stream = await node.dialProtocol(multiaddr(address), ECHO)
  const frame = new Uint8Array(4 + size).fill(7)
  new DataView(frame.buffer).setUint32(0, size)
  stream.send(frame)
  let back = 0
  for await (const piece of stream) {
    back += piece.byteLength
    if (back >= frame.length) break
  }
  await stream.close()
  return back === frame.length
}

const commands = {
  dial: async (address) => { await node.dial(multiaddr(address)); return true },
  ping: async (address) => await node.services.ping.ping(multiaddr(address)) >= 0,
  echo: async (address, size) => await echo(address, Number(size)),
  publish: async (text) => (await node.services.pubsub.publish(TOPIC, new TextEncoder().encode(text))).recipients.length,
  protocols: async () => (await node.peerStore.all()).flatMap((peer) => peer.protocols)
}

say({ address: node.getMultiaddrs()[0].toString() })
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...words] = line.split(' ')
  try {
    say({ answer: await commands[name](...words) })
  } catch (error) {
    say({ error: `${error.name}: ${error.message}` })
  }
}
process.exit(0)
