// Package browser refuses requests that a page of another site makes a browser send to a node.
//
// A node has no credentials, so a browser that can reach it can be used by every page that it shows. Two rules stand against that:
//
//   - A request that may change something, by any method but GET, HEAD and OPTIONS, must not come from another origin. A browser
//     says so in Sec-Fetch-Site or Origin; net/http's CrossOriginProtection reads them. Programs send neither.
//   - A node on loopback must be called by a name of loopback. DNS rebinding makes the name of a site resolve to loopback: its page
//     and the node are of one origin then, and the name in Host is the only difference.
//
// A Guard is immutable and safe for concurrent use.
package browser
