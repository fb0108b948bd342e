package field

// The limits of the public contract. They are part of the contract and not settings, because all stores of a cluster
// must agree on the valid records.
const (
	MaxName  = 256       // bytes of UTF-8 in the name of an application or a VPC
	MaxBytes = 1<<53 - 1 // bytes_tx and bytes_rx of one record; every JSON reader holds this number exactly
)

// Field is a field of a record. Fields are numbered in the order of answers, the three names first.
type Field int

// The fields of a record. Unknown is any other field of a request.
const (
	SrcApp Field = iota
	DestApp
	VPCID
	BytesTx
	BytesRx
	Hour
	Unknown

	Count = int(Unknown) // the number of fields of a record
)

// Named returns the field with the given name in requests, and the name itself as a constant, which keeps no memory of
// the request. It returns Unknown for any other name.
func Named(name string) (f Field, spelling string) {
	switch name {
	case "src_app":
		return SrcApp, "src_app"
	case "src_ip":
		return SrcApp, "src_ip"
	case "dest_app":
		return DestApp, "dest_app"
	case "dest_ip":
		return DestApp, "dest_ip"
	case "vpc_id":
		return VPCID, "vpc_id"
	case "vpc":
		return VPCID, "vpc"
	case "bytes_tx":
		return BytesTx, "bytes_tx"
	case "bytes_rx":
		return BytesRx, "bytes_rx"
	case "hour":
		return Hour, "hour"
	}
	return Unknown, ""
}

// String returns the name of the field in answers.
func (f Field) String() string {
	return [Count]string{"src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx", "hour"}[f]
}

// Want describes the valid values of the field, as the beginning of a refusal.
func (f Field) Want() string {
	switch f {
	case Hour:
		return "must be an integer from -9223372036854775808 to 9223372036854775807"
	case BytesTx, BytesRx:
		return "must be an integer from 0 to 9007199254740991"
	}
	return "must be a string of 1 to 256 bytes"
}
