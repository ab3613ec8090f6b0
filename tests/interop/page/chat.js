// SPDX-License-Identifier: MIT
// A chat of one topic in a browser: js-libp2p over WebSocket to a node, which relays between the
// pages and everybody else. The address may stand behind the # of the page's own.
import { noise } from '@chainsafe/libp2p-noise'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const kTopic = 'chat/lobby'
const $ = (id) => document.getElementById(id)

const peer = await createLibp2p({
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // In a browser js-libp2p dials no private address unless it is told to: the node may be at home.
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
})

function tell (state, text) {
  $('status').dataset.state = state
  $('status').textContent = text
}

// Text alone, never markup: it comes from strangers.
function show (from, text) {
  const own = from === peer.peerId.toString()
  const row = document.createElement('li')
  const name = document.createElement('span')
  name.className = 'from'
  name.textContent = own ? 'you' : `\u2026${from.slice(-8)}`
  row.classList.toggle('own', own)
  row.append(name, text)
  $('messages').append(row)
  row.scrollIntoView({ block: 'end' })
}

function letSay (yes) {
  for (const part of $('say').elements) part.disabled = !yes
  $('dial').hidden = yes
}

async function dial (address) {
  tell('busy', 'connecting')
  try {
    await peer.dial(multiaddr(address))
    letSay(true)
    tell('open', 'connected')
    $('text').focus()
  } catch (error) {
    tell('failed', `not connected: ${error.message ?? 'nobody answers there'}`)
  }
}

peer.services.pubsub.subscribe(kTopic)
peer.services.pubsub.addEventListener('message', ({ detail }) => {
  if (detail.topic !== kTopic) return
  show(detail.from?.toString() ?? 'somebody', new TextDecoder().decode(detail.data))
})
peer.addEventListener('peer:disconnect', () => {
  if (peer.getConnections().length > 0) return
  letSay(false)
  tell('failed', 'the node is gone')
})

$('dial').addEventListener('submit', (event) => {
  event.preventDefault()
  dial($('address').value.trim())
})
$('say').addEventListener('submit', async (event) => {
  event.preventDefault()
  const text = $('text').value
  $('text').value = ''
  await peer.services.pubsub.publish(kTopic, new TextEncoder().encode(text))
  show(peer.peerId.toString(), text)
})

tell('idle', 'not connected')
if (location.hash.length > 1) {
  $('address').value = decodeURIComponent(location.hash.slice(1))
  dial($('address').value)
}
