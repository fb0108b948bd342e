// Package renew is the transport of calls by HTTP whose connections can be replaced as a whole: how do further calls
// get new connections, without a failed call?
//
// Renew begins with a new http.Transport. The former one begins no call any more, so each of its connections closes
// when its call has ended. A node renews its connections after a change of its certificate or its authorities, and
// when it learns that a node speaks TLS.
//
// A Transport is safe for concurrent use, and starts no goroutine beside those of net/http.
package renew
