// Package browser refuses requests of a browser on behalf of a page of another site.
//
// A node without a tokens file asks for no credentials. Every page in a browser with access to the node could therefore
// use the node. Two rules prevent this, at each node:
//
//   - A request with another method than GET, HEAD and OPTIONS must not come from a page of another origin. A browser
//     states the origin in Sec-Fetch-Site or Origin, and net/http's CrossOriginProtection reads them. Programs send
//     neither.
//   - A request to a node on loopback must name a host of loopback. DNS rebinding makes the name of a site resolve to
//     loopback. The page of the site and the node then have one origin, and only the name in Host differs.
//
// A Guard is immutable and safe for concurrent use.
package browser
