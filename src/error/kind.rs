/// Error kinds; [`Kind::class_name`] is the published JavaScript class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Object does not exist.
    NoSuchKey,
    /// Bucket does not exist.
    NoSuchBucket,
    /// Access denied, bad or expired credentials.
    Permission,
    /// Conditional request whose condition did not hold.
    Precondition,
    /// Bad argument or value.
    Validation,
    /// Bad attribute definition.
    Schema,
    /// Encryption, decryption or hashing failed.
    Crypto,
    /// Unknown storage behaviour.
    Behavior,
    /// Record too large for its behaviour.
    MetadataLimit,
    /// Operation on a resource that cannot be carried out.
    Resource,
    /// Record rejected.
    InvalidResourceItem,
    /// Partition unknown or unusable.
    Partition,
    /// Database or client misuse.
    Database,
    /// Connection string that cannot be understood.
    ConnectionString,
    /// Use of plugin storage that cannot be carried out.
    PluginStorage,
    /// Stored object that cannot be decoded.
    Corrupted,
    /// The store does not support what was asked (501, or a rejected conditional header).
    Unsupported,
    /// Network failure or time-out before an answer.
    Network,
    /// Anything else.
    Unknown,
}

impl Kind {
    /// Name of the JavaScript class.
    pub fn class_name(self) -> &'static str {
        match self {
            Kind::NoSuchKey => "NoSuchKey",
            Kind::NoSuchBucket => "NoSuchBucket",
            Kind::Permission => "PermissionError",
            Kind::Precondition | Kind::Resource | Kind::Corrupted => "ResourceError",
            Kind::Validation => "ValidationError",
            Kind::Schema => "SchemaError",
            Kind::Crypto => "CryptoError",
            Kind::Behavior => "BehaviorError",
            Kind::MetadataLimit => "MetadataLimitError",
            Kind::InvalidResourceItem => "InvalidResourceItem",
            Kind::Partition => "PartitionError",
            Kind::Database => "DatabaseError",
            Kind::PluginStorage => "PluginStorageError",
            Kind::ConnectionString => "ConnectionStringError",
            Kind::Unsupported | Kind::Network | Kind::Unknown => "UnknownError",
        }
    }
}
