/** Attributes that plugins add to a resource: kept apart from user attributes and their keys. */
import { ResourceError } from '../errors/index.js';
import { applyConfiguration } from './config.js';
import { cloneValue, isPlainObject } from './values.js';

function ownerOf(resource, name) {
  const definition = resource.schema.attributes[name];
  if (isPlainObject(definition) && definition.__plugin__) return definition.__plugin__;
  const metadata = resource.schema._pluginAttributeMetadata;
  return metadata && Object.hasOwn(metadata, name) ? metadata[name].__plugin__ : null;
}

function sameDefinition(stored, given) {
  if (!isPlainObject(stored) || !isPlainObject(given)) return stored === given;
  const strip = ({ __plugin__, __pluginCreated__, ...rest }) => rest;
  return JSON.stringify(strip(stored)) === JSON.stringify(strip(given));
}

/** Rebuilds the schema and tells the native half. */
function rebuild(resource) {
  applyConfiguration(resource, { map: resource.map });
}

/** Adds an attribute owned by a plugin; adding the same one again changes nothing. */
export function addPluginAttribute(resource, name, definition, pluginName) {
  if (!pluginName) {
    throw new ResourceError('Plugin name is required when adding plugin attributes', {
      resourceName: resource.name,
      operation: 'addPluginAttribute',
      attribute: name,
      statusCode: 400,
      suggestion: 'Pass the plugin name as the third argument.'
    });
  }
  if (definition === null || (typeof definition !== 'string' && typeof definition !== 'object')) {
    throw new ResourceError(`Plugin attribute '${name}' needs a definition`, {
      resourceName: resource.name,
      operation: 'addPluginAttribute',
      attribute: name,
      statusCode: 400,
      suggestion: "Pass a schema string such as 'string|optional' or a rule object."
    });
  }
  const exists = Object.hasOwn(resource.schema.attributes, name);
  const owner = exists ? ownerOf(resource, name) : null;
  if (exists && owner !== pluginName) {
    throw new ResourceError(`Attribute '${name}' already exists and is not from plugin '${pluginName}'`, {
      resourceName: resource.name,
      operation: 'addPluginAttribute',
      attribute: name,
      pluginName,
      statusCode: 400,
      suggestion: 'Choose another attribute name.'
    });
  }
  if (exists && sameDefinition(resource.schema.attributes[name], definition)) return;
  const created = exists ? createdAt(resource, name) : (savedCreation(resource, name) ?? Date.now());
  const metadata = { ...resource.schema._pluginAttributeMetadata };
  delete metadata[name];
  let stored = definition;
  if (typeof definition === 'string') metadata[name] = { __plugin__: pluginName, __pluginCreated__: created };
  else stored = { ...cloneValue(definition), __plugin__: pluginName, __pluginCreated__: created };
  const before = { attributes: resource.attributes, metadata: resource._pluginAttributeMetadata };
  resource.attributes = { ...resource.attributes, [name]: stored };
  resource._pluginAttributeMetadata = metadata;
  try {
    rebuild(resource);
  } catch (error) {
    resource.attributes = before.attributes;
    resource._pluginAttributeMetadata = before.metadata;
    rebuild(resource);
    throw error;
  }
  resource.database?.emit('plugin-attribute-added', { resource: resource.name, attribute: name, plugin: pluginName, definition });
}

/** Creation time that the stored definition has for the attribute, so that re-adding it makes no new version. */
function savedCreation(resource, name) {
  const saved = resource._savedVersions?.[resource.version]?.attributes?.[name];
  return isPlainObject(saved) ? saved.__pluginCreated__ : undefined;
}

function createdAt(resource, name) {
  const definition = resource.schema.attributes[name];
  if (isPlainObject(definition)) return definition.__pluginCreated__;
  return resource.schema._pluginAttributeMetadata[name].__pluginCreated__;
}

/** Removes a plugin attribute; false when there is none of that name. */
export function removePluginAttribute(resource, name, pluginName = null) {
  if (!Object.hasOwn(resource.schema.attributes, name)) return false;
  const owner = ownerOf(resource, name);
  if (!owner) return false;
  if (pluginName && owner !== pluginName) {
    throw new ResourceError(`Attribute '${name}' belongs to plugin '${owner}', not '${pluginName}'`, {
      resourceName: resource.name,
      operation: 'removePluginAttribute',
      attribute: name,
      pluginName,
      statusCode: 400,
      suggestion: 'Remove the attribute through the plugin that added it.'
    });
  }
  const metadata = { ...resource.schema._pluginAttributeMetadata };
  delete metadata[name];
  // Stored values stay where they are; reads leave them out.
  resource._retiredPluginIds.add(resource.schema.pluginMap[name]);
  const attributes = { ...resource.attributes };
  delete attributes[name];
  resource._pluginAttributeMetadata = metadata;
  resource.attributes = attributes;
  rebuild(resource);
  resource.database?.emit('plugin-attribute-removed', { resource: resource.name, attribute: name, plugin: owner });
  return true;
}
